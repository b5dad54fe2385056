package storetest

import (
	"time"

	"github.com/bellwether-go/notify"
)

var eraseChecks = []check{
	{"erase/removes all that is stored about a recipient", eraseAll},
	{"erase/spares everybody else", eraseOthers},
	{"erase/a tombstone stands", eraseTombstone},
	{"erase/a tombstone drops what is filed", eraseDropsFilings},
	{"erase/a receipt does not call filed what was dropped", eraseFiled},
	{"erase/a tombstone drops what a fan-out files", eraseDropsChunks},
	{"erase/busy while a task is held", eraseBusy},
	{"erase/twice", eraseTwice},
	{"erase/restore lifts the tombstone", eraseRestore},
	{"erase/restore of nobody is not found", eraseRestoreNobody},
}

func eraseFiled(s *scene) {
	s.erase(alice)
	receipts := s.acceptTimed(s.acceptance(invoice, to(alice), to(bob)))
	equal(s, "instant", receipts[0].Filed, time.Time{})
}

// erase forgets r and returns whether tasks remain.
func (s *scene) erase(r notify.Recipient) bool {
	busy, err := role[notify.Eraser](s, "notify.Eraser").Erase(s.ctx, r)
	s.ok(err, "Erase")
	return busy
}

// live gives r one of everything.
func (s *scene) live(r notify.Recipient) {
	f := to(r, s.delivery(notify.Email), s.delivery(notify.Mobile))
	f.Entries = []notify.NewEntry{{Channel: "letter", NextCut: s.now().Add(time.Hour)}}
	s.send(weather("rain"), f)
	s.save(r, notify.Profile{Preferences: chosen(0), OptOuts: []notify.OptOut{{}}})
	s.register(r, device("token of "+r.ID), 10)
	for _, t := range s.claim(notify.Mobile, 10) {
		s.settle(t, notify.Outcome{Status: notify.StatusDead, Error: "550"})
	}
}

func eraseAll(s *scene) {
	s.live(alice)
	s.that(!s.erase(alice), "busy without a held task")
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
	equal(s, "counts", s.counts(alice), notify.Counts{})
	equal(s, "profile", s.profile(alice), notify.Profile{Erased: true})
	equal(s, "registrations", s.registered(alice), nil)
	equal(s, "records", len(s.records(notify.DeliveryQuery{Recipient: &alice})), 0)
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 0)
	s.Advance(2 * time.Hour)
	equal(s, "due plans", len(s.duePlans(10, "letter")), 0)
	s.register(bob, notify.Address{Channel: notify.Mobile, Value: "token of " + alice.ID}, 10)
}

func eraseOthers(s *scene) {
	namesake := notify.Recipient{Tenant: "globex", ID: alice.ID}
	s.live(alice)
	s.live(bob)
	s.save(namesake, notify.Profile{Preferences: chosen(0)})
	s.erase(alice)
	equal(s, "items", len(s.inbox(bob, notify.StateUnread)), 1)
	equal(s, "title", s.items(bob, notify.ItemQuery{})[0].Notification.Title, "rain")
	equal(s, "preferences", s.profile(bob).Preferences, chosen(1))
	equal(s, "registrations", len(s.registered(bob)), 1)
	equal(s, "records", len(s.records(notify.DeliveryQuery{Recipient: &bob})), 2)
	equal(s, "profile of the namesake", s.profile(namesake), notify.Profile{Preferences: chosen(1)})
}

func eraseTombstone(s *scene) {
	s.erase(alice)
	s.that(s.profile(alice).Erased, "the profile of one never seen is not erased")
	s.that(!s.profile(bob).Erased, "the profile of another is erased")
	s.Advance(400 * 24 * time.Hour)
	s.that(s.profile(alice).Erased, "the tombstone fell by itself")
}

func eraseDropsFilings(s *scene) {
	s.erase(alice)
	f := to(alice, s.delivery(notify.Email))
	f.Entries = []notify.NewEntry{{Channel: "letter", NextCut: s.now().Add(time.Hour)}}
	id := s.send(invoice, f, to(bob))
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 0)
	equal(s, "plans", len(s.profile(alice).Plans), 0)
	equal(s, "items of the other", s.inbox(bob, notify.StateAll), []notify.ID{id})
}

func eraseDropsChunks(s *scene) {
	task := s.begin(alice, bob)
	s.erase(alice)
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice, s.delivery(notify.Email)), to(bob)}, Done: true})
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 0)
	equal(s, "items of the other", s.inbox(bob, notify.StateAll), []notify.ID{task.Notification})
}

func eraseBusy(s *scene) {
	s.live(alice)
	task := s.claimOne(notify.Email)
	s.that(s.erase(alice), "not busy with a held task")
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
	s.that(!s.renew(held(task)), "the lease of a held task is lost")
	s.that(s.load(task).Profile.Erased, "the facts do not say that the recipient is erased")
	s.settle(task, notify.Outcome{Status: notify.StatusSkipped, Reason: "erased"})
	equal(s, "records", len(s.records(notify.DeliveryQuery{Recipient: &alice})), 0)
	s.that(!s.erase(alice), "busy after the task was settled")
}

func eraseTwice(s *scene) {
	s.live(alice)
	s.erase(alice)
	s.that(!s.erase(alice), "busy the second time")
	s.that(s.profile(alice).Erased, "the tombstone fell")
}

func eraseRestore(s *scene) {
	s.live(alice)
	s.erase(alice)
	eraser := role[notify.Eraser](s, "notify.Eraser")
	s.ok(eraser.Restore(s.ctx, alice), "Restore")
	equal(s, "profile", s.profile(alice), notify.Profile{})
	id := s.send(invoice, to(alice))
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{id})
	s.save(alice, notify.Profile{Preferences: chosen(0)})
	s.is(eraser.Restore(s.ctx, alice), notify.ErrNotFound, "Restore for the second time")
}

func eraseRestoreNobody(s *scene) {
	eraser := role[notify.Eraser](s, "notify.Eraser")
	s.erase(bob)
	s.is(eraser.Restore(s.ctx, alice), notify.ErrNotFound, "Restore")
}
