package channeltest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

var nameChecks = []check{
	{"name/is one that can be registered", nameWellFormed},
	{"name/stays the same", nameStable},
}

func nameWellFormed(s *scene) {
	name := s.Channel.Name()
	s.that(name != "", "the name is empty")
	s.that(name != notify.Interface, "%q is taken", name)
	s.that(len(name) <= 190, "the name has %d bytes, at most 190", len(name))
	s.that(utf8.ValidString(name), "the name %q is not UTF-8", name)
	s.that(!strings.ContainsFunc(name, unicode.IsControl), "the name %q has a control character", name)
}

func nameStable(s *scene) {
	name := s.Channel.Name()
	s.sent(s.delivery("Parcel 17"))
	s.that(s.Channel.Name() == name, "after a delivery the name is %q, before it was %q", s.Channel.Name(), name)
	for _, behavior := range required {
		if s.can(behavior) {
			_ = s.attempt(behavior)
		}
	}
	s.that(s.Channel.Name() == name, "after failures the name is %q, before it was %q", s.Channel.Name(), name)
}
