package channeltest

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

var errorChecks = []check{
	{"errors/say what happened in a line", errorsShort},
	{"errors/tell no secret and no address", errorsDiscreet},
	{"errors/the channel keeps its secrets when it is printed", errorsPrinted},
}

// longest is how many bytes of an error are kept.
const longest = 4096

// failures are the errors that the peer can cause, by behavior.
func (s *scene) failures() iter.Seq2[Behavior, error] {
	s.needsPeer()
	return func(yield func(Behavior, error) bool) {
		for _, b := range refusals {
			if s.can(b) && !yield(b, s.refused(b)) {
				return
			}
		}
	}
}

func errorsShort(s *scene) {
	for b, err := range s.failures() {
		text := err.Error()
		s.that(strings.TrimSpace(text) != "", "a peer that does %q: the error says nothing", string(b))
		s.that(len(text) <= longest, "a peer that does %q: the error has %d bytes, at most %d", string(b), len(text), longest)
		s.that(utf8.ValidString(text), "a peer that does %q: the error is not UTF-8: %s", string(b), brief(text))
		s.that(!strings.ContainsFunc(text, unicode.IsControl), "a peer that does %q: the error has control characters: %s", string(b), brief(text))
		failure, ok := errors.AsType[*notify.DeliveryError](err)
		if !ok {
			continue
		}
		s.that(failure.Err != nil, "a peer that does %q: a notify.DeliveryError without Err", string(b))
		s.that(failure.RetryAfter >= 0, "a peer that does %q: RetryAfter is %v", string(b), failure.RetryAfter)
		known := []notify.Class{notify.Temporary, notify.Permanent, notify.Gone, notify.Misconfigured, notify.Unknown}
		s.that(slices.Contains(known, failure.Class), "a peer that does %q: %q is no class", string(b), string(failure.Class))
	}
}

// private are the texts that must not be told, with what they are. The error
// of this check names them by that. Very short ones are part of too many words.
func (s *scene) private() map[string]string {
	texts := map[string]string{unsubscribe: "the link to unsubscribe", alice.Name: "the recipient's name"}
	for _, a := range s.Addresses {
		texts[a.Value] = "the address"
	}
	for i, secret := range s.Secrets {
		texts[secret] = fmt.Sprintf("secret %d", i)
	}
	maps.DeleteFunc(texts, func(text, _ string) bool { return len(text) < 4 })
	return texts
}

// tells returns what a text gives away; "" is nothing.
func (s *scene) tells(text string) string {
	for private, what := range s.private() {
		if strings.Contains(text, private) {
			return what
		}
	}
	return ""
}

func errorsDiscreet(s *scene) {
	for b, err := range s.failures() {
		what := s.tells(err.Error())
		s.that(what == "", "a peer that does %q: the error tells %s", string(b), what)
	}
}

// errorsPrinted: channels end up in logs by accident, with all that they hold.
func errorsPrinted(s *scene) {
	s.sent(s.delivery("Parcel 17"))
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("channel", "channel", s.Channel)
	for form, text := range map[string]string{
		"%v": fmt.Sprintf("%v", s.Channel), "%+v": fmt.Sprintf("%+v", s.Channel), "%#v": fmt.Sprintf("%#v", s.Channel), "slog": logged.String(),
	} {
		for i, secret := range s.Secrets {
			s.that(secret == "" || !strings.Contains(text, secret), "printed by %s the channel tells secret %d", form, i)
		}
	}
}
