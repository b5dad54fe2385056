package channeltest

import (
	"reflect"

	"github.com/bellwether-go/notify"
)

var givenChecks = []check{
	{"given/a delivery is not changed", givenUnchanged},
	{"given/a digest is not changed", givenDigestUnchanged},
	{"given/nothing is kept", givenNotKept},
}

func givenUnchanged(s *scene) {
	for _, behavior := range []Behavior{Accept, Temporary} {
		if !s.can(behavior) {
			continue
		}
		d := s.delivery("Parcel 17")
		before := copied(d)
		_ = s.deliver(s.ctx, d)
		s.that(reflect.DeepEqual(d, before), "the delivery was %+v and is now %+v", before, d)
	}
}

func givenDigestUnchanged(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	d, letter := s.digest(5, 7)
	before, letterBefore := copied(d), copiedDigest(letter)
	s.ok(s.deliverDigest(s.ctx, c, d, letter), "DeliverDigest")
	s.that(reflect.DeepEqual(d, before), "the delivery was %+v and is now %+v", before, d)
	s.that(reflect.DeepEqual(letter, letterBefore), "the digest was %+v and is now %+v", letterBefore, letter)
}

// givenNotKept: the caller may use its slices for something else as soon as
// the call has returned.
func givenNotKept(s *scene) {
	d := s.delivery("Parcel 17")
	retry := copied(d)
	retry.Attempt = 2
	first := s.sent(d)
	scribble(d.Address.Meta)
	scribble(d.Item.Notification.Data)
	for i := range d.Item.Notification.Rows {
		d.Item.Notification.Rows[i] = notify.Row{Label: "scribbled", Text: "scribbled"}
	}
	for i := range d.Item.Notification.Actions {
		d.Item.Notification.Actions[i] = notify.Action{Key: "scribbled"}
	}
	after := s.Received()
	s.that(reflect.DeepEqual(after[len(after)-1], first), "what had arrived changed with the delivery that it came from")
	s.same(first, s.sent(retry))
}

func scribble(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}
