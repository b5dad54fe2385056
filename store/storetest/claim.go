package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

var claimChecks = []check{
	{"claim/a task is what was filed", claimTask},
	{"claim/no task goes to two workers", claimOnce},
	{"claim/what is held is not claimed again", claimHeld},
	{"claim/up to so many per channel", claimLimit},
	{"claim/urgent ones beyond the limit of a channel", claimUrgent},
	{"claim/only the channels that are named", claimChannels},
	{"claim/urgent lanes first", claimLanes},
	{"claim/one bucket cannot take the whole batch", claimBuckets},
	{"claim/the turn starts at the bucket given", claimStart},
	{"claim/the earliest due first", claimEarliest},
	{"claim/a wait holds a task back", claimWait},
	{"claim/a task is not due before its instant", claimNotBefore},
	{"claim/a task inserted with a lease is held", claimInsertedHeld},
	{"claim/up to so many fan-outs and sweeps", claimFanOuts},
	{"claim/only the audiences that are named", claimAudiences},
	{"claim/only fan-outs of the providers that are named", claimProviders},
	{"claim/facts are of each task in order", claimFacts},
}

func claimTask(s *scene) {
	f := to(alice, s.delivery(notify.Email))
	f.PreferencesVersion = 4
	f.Tasks[0].Forced, f.Tasks[0].Lane, f.Tasks[0].Bucket = true, notify.LaneBulk, 255
	var id notify.ID
	var task notify.Task
	s.during("Filed", func() time.Time {
		id = s.send(invoice, f)
		task = s.claimOne(notify.Email)
		return task.Filed
	})
	equal(s, "due", task.Due, task.Filed)
	s.that(task.Epoch > 0, "the epoch is %d", task.Epoch)
	equal(s, "task", task, notify.Task{
		ID: f.Tasks[0].ID, Kind: notify.KindDelivery, Epoch: task.Epoch, Recipient: alice, Notification: id, Provider: "billing",
		Channel: notify.Email, Lane: notify.LaneBulk, Bucket: 255, Forced: true, PreferencesVersion: 4, Filed: task.Filed, Due: task.Filed,
	})
}

func claimOnce(s *scene) {
	const workers, tasks = 16, 1000
	for i := range tasks / 50 {
		var batch []notify.Acceptance
		for j := range 50 {
			task := s.delivery(notify.Email)
			task.Bucket = (50*i + j) % 256
			batch = append(batch, s.acceptance(invoice, to(alice, task)))
		}
		s.accept(batch...)
	}
	var mu sync.Mutex
	claims := map[notify.ID]int{}
	s.parallel(workers, func(worker int) error {
		for range tasks {
			got, err := s.Store.Claim(s.ctx, notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 10}, Bucket: 16 * worker, Recovered: 10})
			if err != nil || len(got) == 0 {
				return err
			}
			mu.Lock()
			for _, t := range got {
				claims[t.ID]++
			}
			mu.Unlock()
		}
		return nil
	})
	for _, t := range s.claim(notify.Email, tasks) { // what a worker left while another one had it locked
		claims[t.ID]++
	}
	equal(s, "claimed tasks", len(claims), tasks)
	for id, n := range claims {
		equal(s, fmt.Sprintf("claims of task %s", id), n, 1)
	}
}

func claimHeld(s *scene) {
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	s.claimOne(notify.Email)
	s.Advance(lease - time.Minute)
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 0)
}

func claimLimit(s *scene) {
	for range 5 {
		s.send(invoice, to(alice, s.delivery(notify.Email), s.delivery(notify.Mobile)))
	}
	counts := map[string]int{}
	for _, t := range s.claimWith(notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 3, notify.Mobile: 1}}) {
		counts[t.Channel]++
	}
	equal(s, "tasks per channel", counts, map[string]int{notify.Email: 3, notify.Mobile: 1})
	equal(s, "the rest of one channel", len(s.claim(notify.Email, 10)), 2)
	equal(s, "the rest of the other", len(s.claim(notify.Mobile, 10)), 4)
}

func claimUrgent(s *scene) {
	for i := range 8 {
		task := s.delivery(notify.Email)
		if i >= 3 {
			task.Lane = notify.LaneUrgent
		}
		s.send(invoice, to(alice, task))
	}
	for i, limit := range []int{0, 1} {
		got := s.claimWith(notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: limit}, Urgent: 2})
		equal(s, "tasks", len(got), 2+i)
		for _, t := range got {
			equal(s, "lane", t.Lane, notify.LaneUrgent)
		}
	}
	got := s.claimWith(notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 0}, Urgent: 2})
	equal(s, "tasks when only others are left", len(got), 0)
}

func claimChannels(s *scene) {
	s.send(invoice, to(alice, s.delivery(notify.Email), s.delivery("fax")))
	equal(s, "channel", s.claimOne(notify.Email).Channel, notify.Email)
	equal(s, "tasks for nobody's channel", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Recovered: 10})), 0)
	equal(s, "channel", s.claimOne("fax").Channel, "fax")
}

func claimLanes(s *scene) {
	want := []notify.Lane{notify.LaneUrgent, notify.LaneUrgent, notify.LaneNormal, notify.LaneNormal, notify.LaneBulk, notify.LaneBulk}
	for _, i := range []int{4, 2, 0, 5, 3, 1} {
		task := s.delivery(notify.Email)
		task.Lane, task.Bucket = want[i], i
		s.send(invoice, to(alice, task))
		s.Advance(time.Second)
	}
	var got []notify.Lane
	for range 3 {
		for _, t := range s.claim(notify.Email, 2) {
			got = append(got, t.Lane)
		}
	}
	equal(s, "lanes", got, want)
}

// bucketed files a delivery in each of the buckets.
func (s *scene) bucketed(buckets ...int) {
	for _, b := range buckets {
		task := s.delivery(notify.Email)
		task.Bucket = b
		s.send(invoice, to(alice, task))
	}
}

// buckets are those of tasks, sorted.
func buckets(tasks []notify.Task) []int {
	var found []int
	for _, t := range tasks {
		found = append(found, t.Bucket)
	}
	slices.Sort(found)
	return found
}

func claimBuckets(s *scene) {
	s.bucketed(slices.Repeat([]int{5}, 30)...)
	s.Advance(time.Second)
	s.bucketed(0, 90, 255)
	equal(s, "buckets of the first four", buckets(s.claim(notify.Email, 4)), []int{0, 5, 90, 255})
	equal(s, "tasks when the others are done", len(s.claim(notify.Email, 10)), 10)
}

func claimStart(s *scene) {
	s.bucketed(10, 100, 200, 10, 100, 200)
	for _, c := range []struct{ start, want int }{{100, 100}, {101, 200}, {201, 10}} {
		got := s.claimWith(notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 1}, Bucket: c.start})
		equal(s, fmt.Sprintf("bucket of the first from %d on", c.start), buckets(got), []int{c.want})
	}
}

func claimEarliest(s *scene) {
	var want []notify.ID
	for _, wait := range []time.Duration{3 * time.Minute, time.Minute, 2 * time.Minute} {
		task := s.delivery(notify.Email)
		task.Wait = wait
		s.send(invoice, to(alice, task))
		want = append(want, task.ID)
	}
	want[0], want[1], want[2] = want[1], want[2], want[0]
	s.Advance(time.Hour)
	for i, id := range want {
		got := s.claim(notify.Email, 1)
		s.that(len(got) == 1 && got[0].ID == id, "claim %d is %s, want task %s", i+1, brief(got), id)
	}
}

// comesDue checks that the only task on the email channel comes due at an
// instant and not before.
func (s *scene) comesDue(at time.Time) {
	s.Advance(at.Sub(s.now()) - time.Minute)
	equal(s, "tasks a minute before", len(s.claim(notify.Email, 10)), 0)
	s.Advance(at.Sub(s.now()))
	equal(s, "due", s.claimOne(notify.Email).Due, at)
}

func claimWait(s *scene) {
	task := s.delivery(notify.Email)
	task.Wait = 10 * time.Minute
	task.NotBefore = s.now().Add(time.Minute)
	filed := s.item(alice, s.send(invoice, to(alice, task))).Filed
	s.comesDue(filed.Add(10 * time.Minute))
}

func claimNotBefore(s *scene) {
	task := s.delivery(notify.Email)
	task.Wait = time.Minute
	task.NotBefore = s.now().Add(time.Hour)
	s.send(invoice, to(alice, task))
	s.comesDue(task.NotBefore)
}

func claimInsertedHeld(s *scene) {
	task := s.delivery(notify.Email)
	task.Lease = lease
	s.send(invoice, to(alice, task))
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 0)
	mine := notify.Task{ID: task.ID, Epoch: 1}
	s.settle(mine, notify.Outcome{Status: notify.StatusPending})
	s.that(s.claimOne(notify.Email).Epoch > 1, "the epoch did not rise")

	lost := s.delivery(notify.Mobile)
	lost.Lease = lease
	s.send(invoice, to(alice, lost))
	s.Advance(lease + time.Minute)
	got := s.claimOne(notify.Mobile)
	s.that(got.Epoch > 1 && got.Recovered && got.Attempts == 0, "the task is %+v", got)
}

func claimFanOuts(s *scene) {
	for range 3 {
		s.take(s.fanOut(invoice, alice))
	}
	n := invoice
	n.Entity = "invoice/17"
	withdrawn := s.send(n, to(bob))
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: n.Entity})
	equal(s, "tasks with no fan-outs", len(s.claim(notify.Email, 10)), 0)
	first := s.claimWith(notify.Claim{Lease: lease, FanOuts: 2})
	equal(s, "number of tasks", len(first), 2)
	all := append(first, s.claimWith(notify.Claim{Lease: lease, FanOuts: 10})...)
	equal(s, "number of all tasks", len(all), 4)
	equal(s, "the sweep is one", slices.ContainsFunc(all, func(t notify.Task) bool {
		return t.Kind == notify.KindSweep && t.ID == withdrawn
	}), true)
}

func claimAudiences(s *scene) {
	var tasks []notify.ID
	for _, audience := range []string{"staff", "guests", ""} {
		n := invoice
		n.Audience = audience
		a := s.fanOut(n)
		s.take(a)
		tasks = append(tasks, a.Task.ID)
	}
	equal(s, "task without an audience", s.claimFanOut().ID, tasks[2])
	got := s.one(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Audiences: []string{"guests", "board"}}))
	equal(s, "task of the named audience", got.ID, tasks[1])
	equal(s, "channel of that task", got.Channel, "guests")
	equal(s, "audience", s.load(got).Notification.Audience, "guests")
}

func claimProviders(s *scene) {
	n := invoice
	n.Provider = "chats"
	mine, other := s.fanOut(invoice, alice), s.fanOut(n, alice)
	s.accept(mine, other)
	got := s.one(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Providers: []string{"billing", "news"}}))
	equal(s, "task", got.ID, mine.Task.ID)
	equal(s, "tasks of another provider", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Providers: []string{"news"}})), 0)
	equal(s, "tasks of no provider", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Providers: []string{}})), 0)
	equal(s, "the other task", s.claimFanOut().ID, other.Task.ID)
}

func claimFacts(s *scene) {
	chat := invoice
	chat.Provider, chat.Title = "chats", "Hello"
	first := s.send(invoice, to(alice, s.delivery(notify.Email)))
	second := s.send(chat, to(bob, s.delivery(notify.Email)))
	s.save(bob, notify.Profile{Preferences: chosen(0)})
	s.mark(alice, notify.OpRead, first)
	s.fill(bob, 4)
	tasks := s.claim(notify.Email, 10)
	equal(s, "number of tasks", len(tasks), 2)
	if tasks[0].Notification != second {
		slices.Reverse(tasks)
	}
	var facts []notify.Facts
	s.during("instant of the facts", func() time.Time {
		got, at, err := s.Store.Load(s.ctx, tasks, 3)
		s.ok(err, "Load")
		facts = got
		return at
	})
	equal(s, "number of facts", len(facts), 2)
	equal(s, "notification", facts[0].Notification, chat)
	equal(s, "item", facts[0].Item, s.item(bob, second))
	equal(s, "preferences", facts[0].Profile.Preferences, chosen(1))
	equal(s, "unread up to the limit", facts[0].Unread, 3)
	equal(s, "item of the other", facts[1].Item, s.item(alice, first))
	equal(s, "preferences of the other", facts[1].Profile.Preferences, notify.Preferences{})
	equal(s, "unread of the other", facts[1].Unread, 0)
	equal(s, "unread that was not asked for", s.load(tasks[0]).Unread, 0)
}
