package storetest

import (
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

var pauseChecks = []check{
	{"pause/what is paused is listed", pauseSet},
	{"pause/a second one keeps since", pauseAgain},
	{"pause/lifting", pauseLifted},
	{"pause/a probe only when its instant has come", pauseProbe},
	{"pause/of probers at once exactly one may", pauseProbeConcurrent},
	{"pause/accounts and channels are apart", pauseScope},
}

// pause pauses an account of the email channel.
func (s *scene) pause(account, reason string, d time.Duration) {
	s.ok(s.Store.SetPause(s.ctx, notify.Pause{Channel: notify.Email, Account: account, Reason: reason}, d), "SetPause")
}

// pauses lists the pauses.
func (s *scene) pauses() []notify.Pause {
	pauses, err := s.Store.Pauses(s.ctx)
	s.ok(err, "Pauses")
	return pauses
}

// onlyPause is the pause, of which there must be one.
func (s *scene) onlyPause() notify.Pause {
	pauses := s.pauses()
	if len(pauses) != 1 {
		s.fail("the pauses are %s, want one", brief(pauses))
	}
	return pauses[0]
}

// probe asks whether an account of the email channel may be tried.
func (s *scene) probe(account string, d time.Duration) bool {
	may, err := s.Store.Probe(s.ctx, notify.Email, account, d)
	s.ok(err, "Probe")
	return may
}

func pauseSet(s *scene) {
	equal(s, "pauses of a new store", len(s.pauses()), 0)
	s.during("Since", func() time.Time {
		s.pause("relay", "535 login refused", time.Minute)
		return s.onlyPause().Since
	})
	got := s.onlyPause()
	equal(s, "pause", got, notify.Pause{
		Channel: notify.Email, Account: "relay", Reason: "535 login refused", Since: got.Since, Until: got.Since.Add(time.Minute), Delay: time.Minute,
	})
}

func pauseAgain(s *scene) {
	s.pause("relay", "535", time.Minute)
	since := s.onlyPause().Since
	s.Advance(2 * time.Minute)
	s.pause("relay", "530", 10*time.Minute)
	got := s.onlyPause()
	equal(s, "since", got.Since, since)
	s.that(got.Reason == "530" && got.Delay == 10*time.Minute && got.Until.After(since.Add(11*time.Minute)), "the pause is %+v", got)
}

func pauseLifted(s *scene) {
	s.pause("relay", "535", time.Minute)
	s.pause("other", "535", time.Minute)
	s.pause("relay", "", 0)
	equal(s, "account that is still paused", s.onlyPause().Account, "other")
	s.pause("never", "", 0)
	s.Advance(time.Minute)
	s.pause("relay", "535", time.Minute)
	since := map[string]time.Time{}
	for _, p := range s.pauses() {
		since[p.Account] = p.Since
	}
	s.that(since["relay"].After(since["other"]), "a new pause has the instant of the old one")
}

func pauseProbe(s *scene) {
	s.pause("relay", "535", time.Minute)
	s.Advance(59 * time.Second)
	s.that(!s.probe("relay", time.Hour), "a probe before the instant")
	s.Advance(time.Second)
	s.during("Until, less the delay", func() time.Time {
		s.that(s.probe("relay", time.Hour), "no probe when the instant had come")
		return s.onlyPause().Until.Add(-time.Hour)
	})
	s.that(!s.probe("relay", time.Hour), "a second probe at the same instant")
	s.Advance(59 * time.Minute)
	s.that(!s.probe("relay", time.Hour), "a second probe before the next instant")
	s.Advance(time.Minute)
	s.that(s.probe("relay", time.Hour), "no probe when the next instant had come")
}

func pauseProbeConcurrent(s *scene) {
	s.pause("relay", "535", time.Minute)
	s.Advance(2 * time.Minute)
	var allowed atomic.Int64
	s.parallel(8, func(int) error {
		may, err := s.Store.Probe(s.ctx, notify.Email, "relay", time.Hour)
		if may {
			allowed.Add(1)
		}
		return err
	})
	equal(s, "probes", allowed.Load(), 1)
}

func pauseScope(s *scene) {
	for _, account := range []string{"", "relay"} {
		s.pause(account, "535", time.Minute)
	}
	s.ok(s.Store.SetPause(s.ctx, notify.Pause{Channel: notify.Browser, Reason: "403"}, time.Minute), "SetPause")
	equal(s, "pauses", len(s.pauses()), 3)
	s.Advance(2 * time.Minute)
	s.that(s.probe("relay", time.Hour), "no probe of one account")
	s.that(s.probe("", time.Hour), "the probe of one account took that of another")
	may, err := s.Store.Probe(s.ctx, notify.Browser, "", time.Hour)
	s.ok(err, "Probe")
	s.that(may, "the probe of one channel took that of another")
}
