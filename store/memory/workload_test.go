package memory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// workload calls a store at random, in the way of an engine that crashes now
// and then, and writes down every answer.
type workload struct {
	t       *testing.T
	store   *Store
	rng     *rand.Rand
	at      time.Time
	serial  int
	sent    []notify.ID
	tasks   []notify.ID
	held    []notify.Task
	answers strings.Builder
}

func newWorkload(t *testing.T, seed uint64) *workload {
	w := &workload{
		t: t, rng: rand.New(rand.NewPCG(seed, 0)),
		at: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC),
	}
	w.store = New(&Options{Now: func() time.Time { return w.at }})
	return w
}

func (w *workload) id() notify.ID {
	w.serial++
	return notify.ID(fmt.Sprintf("%06d", w.serial))
}

func (w *workload) note(answer any, err error) {
	fmt.Fprintf(&w.answers, "%v %+v %v\n", w.at, answer, err)
}

func (w *workload) who() notify.Recipient {
	return notify.Recipient{Tenant: "acme", ID: fmt.Sprintf("r%d", w.rng.IntN(6))}
}

func (w *workload) channel() string { return pick(w.rng, []string{notify.Email, notify.Mobile}) }

func pick[T any](rng *rand.Rand, from []T) (v T) {
	if len(from) > 0 {
		v = from[rng.IntN(len(from))]
	}
	return v
}

func (w *workload) step() {
	if w.rng.IntN(3) > 0 {
		w.at = w.at.Add(time.Duration(w.rng.IntN(600)) * time.Second)
	}
	ctx := w.t.Context()
	pick(w.rng, []func(context.Context){
		w.accept, w.accept, w.accept, w.withdraw, w.sweep, w.items, w.mark, w.mark, w.saveProfile,
		w.register, w.claim, w.claim, w.renew, w.settle, w.settle, w.settle, w.fanOut, w.open, w.open, w.entries,
		w.redeliver, w.prune, w.erase, w.log,
	})(ctx)
}

func (w *workload) accept(ctx context.Context) {
	var batch []notify.Acceptance
	for range 1 + w.rng.IntN(3) {
		a := notify.Acceptance{ID: w.id(), Fingerprint: "f", Notification: notify.Notification{
			Tenant: "acme", Provider: pick(w.rng, []string{"billing", "chats"}), Title: "title",
			Key: pick(w.rng, []string{"", "", "", "k1", "k2"}), CollapseKey: pick(w.rng, []string{"", "c1", "c2"}),
			Entity: pick(w.rng, []string{"", "task/1", "task/2"}),
		}}
		if w.rng.IntN(4) == 0 {
			a.Notification.To = []notify.Recipient{w.who()}
			a.Task = &notify.NewTask{ID: w.id(), Kind: notify.KindFanOut, Lane: notify.LaneBulk, Bucket: w.rng.IntN(4)}
		} else {
			a.Filings = w.filings()
		}
		w.sent = append(w.sent, a.ID)
		batch = append(batch, a)
	}
	receipts, err := w.store.Accept(ctx, batch)
	w.note(receipts, err)
}

func (w *workload) filings() []notify.Filing {
	var filings []notify.Filing
	for range 1 + w.rng.IntN(3) {
		f := notify.Filing{Recipient: w.who()}
		for range w.rng.IntN(3) {
			nt := notify.NewTask{
				ID: w.id(), Kind: notify.KindDelivery, Channel: w.channel(),
				Lane: notify.Lane(w.rng.IntN(3)), Bucket: w.rng.IntN(4), Wait: time.Duration(w.rng.IntN(2)) * time.Hour,
			}
			if w.rng.IntN(4) == 0 {
				nt.Lease = time.Minute
			}
			w.tasks = append(w.tasks, nt.ID)
			f.Tasks = append(f.Tasks, nt)
		}
		if w.rng.IntN(2) == 0 {
			f.Entries = []notify.NewEntry{{Channel: w.channel(), NextCut: w.at.Add(2 * time.Hour)}}
		}
		filings = append(filings, f)
	}
	return filings
}

func (w *workload) withdraw(ctx context.Context) {
	if w.rng.IntN(3) == 0 {
		ids, err := w.store.Withdraw(ctx, notify.Withdrawal{Tenant: "acme", Entity: pick(w.rng, []string{"task/1", "task/2"})})
		w.note(ids, err)
	}
}

func (w *workload) sweep(ctx context.Context) {
	recipients, err := w.store.Sweep(ctx, pick(w.rng, w.sent), 1+w.rng.IntN(3))
	w.note(recipients, err)
}

func (w *workload) items(ctx context.Context) {
	items, err := w.store.Items(ctx, w.who(), notify.ItemQuery{Limit: w.rng.IntN(10), Ascending: w.rng.IntN(2) == 0})
	w.note(items, err)
}

func (w *workload) mark(ctx context.Context) {
	m := notify.ItemMark{
		Op: pick(w.rng, []notify.Op{
			notify.OpSeen, notify.OpRead, notify.OpUnread, notify.OpArchive, notify.OpUnarchive, notify.OpSnooze,
		}),
		Until: w.at.Add(time.Duration(w.rng.IntN(5)-1) * time.Hour),
	}
	if w.rng.IntN(5) == 0 {
		m.UpTo = notify.Position{Filed: w.at.Add(-time.Duration(w.rng.IntN(4)) * time.Hour)}
	} else {
		m.IDs = []notify.ID{pick(w.rng, w.sent), pick(w.rng, w.sent), pick(w.rng, w.sent)}
	}
	changed, err := w.store.Mark(ctx, w.who(), m)
	w.note(changed, err)
}

func (w *workload) saveProfile(ctx context.Context) {
	who := w.who()
	profiles, err := w.store.Profiles(ctx, []notify.Recipient{who})
	w.note(profiles, err)
	p := profiles[who]
	for i := range p.Plans {
		p.Plans[i].NextCut = w.at.Add(time.Hour)
	}
	w.note(nil, w.store.SaveProfile(ctx, who, p))
}

func (w *workload) register(ctx context.Context) {
	reg, err := w.store.Register(ctx, notify.Registration{
		ID: w.id(), Recipient: w.who(),
		Address: notify.Address{Channel: w.channel(), Value: fmt.Sprint(w.rng.IntN(10)), Meta: []byte("{}")},
	}, 2)
	w.note(reg, err)
}

func (w *workload) claim(ctx context.Context) {
	claimed, err := w.store.Claim(ctx, notify.Claim{
		Lease: 10 * time.Minute, Channels: map[string]int{notify.Email: w.rng.IntN(4), notify.Mobile: w.rng.IntN(4)},
		FanOuts: w.rng.IntN(3), Bucket: w.rng.IntN(buckets), Recovered: w.rng.IntN(3), Urgent: w.rng.IntN(2),
	})
	w.held = append(w.held, claimed...)
	w.note(claimed, err)
}

// release returns a task that was claimed once, perhaps too long ago.
func (w *workload) release() notify.Task {
	t := pick(w.rng, w.held)
	w.held = slices.DeleteFunc(w.held, func(o notify.Task) bool { return o.ID == t.ID && o.Epoch == t.Epoch })
	return t
}

func (w *workload) renew(ctx context.Context) {
	t := pick(w.rng, w.held)
	lost, err := w.store.Renew(ctx, []notify.Lease{{ID: t.ID, Epoch: t.Epoch, Charge: w.rng.IntN(2) == 0}}, time.Hour)
	w.note(lost, err)
}

func (w *workload) settle(ctx context.Context) {
	t := w.release()
	o := notify.Outcome{
		Task: notify.Lease{ID: t.ID, Epoch: t.Epoch}, Charge: true, NextCut: w.at.Add(time.Hour),
		Status: pick(w.rng, []notify.Status{
			notify.StatusPending, notify.StatusUnknown, notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead,
		}),
	}
	lost, err := w.store.Settle(ctx, []notify.Outcome{o})
	w.note(lost, err)
}

func (w *workload) fanOut(ctx context.Context) {
	i := slices.IndexFunc(w.held, func(t notify.Task) bool { return t.Kind == notify.KindFanOut })
	if i < 0 {
		return
	}
	t := w.held[i]
	facts, _, err := w.store.Load(ctx, []notify.Task{t}, 5)
	w.note(facts, err)
	_, withdrawn, err := w.store.FanOut(ctx, notify.Chunk{
		Task: notify.Lease{ID: t.ID, Epoch: t.Epoch}, Filings: w.filings(), Done: w.rng.IntN(2) == 0,
		Rejected: []notify.Rejection{{ID: w.id(), Recipient: w.who(), Reason: "bad"}},
	})
	w.note(withdrawn, err)
}

func (w *workload) open(ctx context.Context) {
	plans, _, err := w.store.DuePlans(ctx, []string{notify.Email, notify.Mobile}, 2)
	w.note(plans, err)
	var openings []notify.Opening
	for _, p := range plans {
		o := notify.Opening{Plan: p, Cut: p.NextCut, From: p.LastCut, NextCut: w.at.Add(time.Hour), Task: notify.NewTask{ID: w.id()}}
		if w.rng.IntN(3) == 0 {
			o.Oldest = p.NextCut.Add(-time.Hour)
		}
		w.tasks = append(w.tasks, o.Task.ID)
		openings = append(openings, o)
	}
	w.note(nil, w.store.OpenDigests(ctx, openings))
}

func (w *workload) entries(ctx context.Context) {
	t := pick(w.rng, w.held)
	entries, err := w.store.DigestEntries(ctx, t)
	w.note(entries, err)
	facts, _, err := w.store.Load(ctx, []notify.Task{t}, 5)
	w.note(facts, err)
}

func (w *workload) redeliver(ctx context.Context) {
	n, err := w.store.Redeliver(ctx, []notify.ID{pick(w.rng, w.tasks), pick(w.rng, w.tasks)})
	w.note(n, err)
}

func (w *workload) prune(ctx context.Context) {
	if w.rng.IntN(5) > 0 {
		return
	}
	p := notify.Prune{ReadBefore: w.at.Add(-6 * time.Hour), DeliveriesBefore: w.at.Add(-6 * time.Hour)}
	if w.rng.IntN(4) == 0 {
		p.UnreadBefore = w.at.Add(-24 * time.Hour)
	}
	n, err := w.store.Prune(ctx, p, 5)
	w.note(n, err)
}

func (w *workload) erase(ctx context.Context) {
	if w.rng.IntN(10) > 0 {
		return
	}
	who := w.who()
	busy, err := w.store.Erase(ctx, who)
	w.note(busy, err)
	if w.rng.IntN(4) > 0 {
		w.note(nil, w.store.Restore(ctx, who))
	}
}

func (w *workload) log(ctx context.Context) {
	records, err := w.store.Deliveries(ctx, notify.DeliveryQuery{Limit: 5})
	w.note(records, err)
	stats, err := w.store.Stats(ctx)
	w.note(stats, err)
}

func TestDeterministic(t *testing.T) {
	var answers []string
	for range 2 {
		w := newWorkload(t, 7)
		for range 3000 {
			w.step()
		}
		answers = append(answers, w.answers.String())
	}
	require.Equal(t, answers[0], answers[1])
}

func TestInvariants(t *testing.T) {
	for seed := range uint64(5) {
		w := newWorkload(t, seed)
		for step := range 2000 {
			w.step()
			if step%10 == 0 {
				verify(t, w.store)
			}
		}
	}
}
