package channeltest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

var concurrencyChecks = []check{
	{"concurrency/many calls at once keep apart", concurrentCalls},
	{"concurrency/one that hangs holds up no other", concurrentHang},
	{"concurrency/no goroutine is left behind", concurrentLeak},
}

// crowd is how many call at the same time.
const crowd = 32

// parallel calls do so many times at once and fails with what failed.
func (s *scene) parallel(n int, do func(i int) error) {
	var group sync.WaitGroup
	errs := make([]error, n)
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			defer s.caught(&errs[i])
			errs[i] = do(i)
		})
	}
	close(start)
	group.Wait()
	for _, err := range errs {
		s.ok(err, fmt.Sprintf("%d at once", n))
	}
}

func concurrentCalls(s *scene) {
	digests, _ := s.Channel.(notify.DigestChannel)
	checker, _ := s.Channel.(notify.AddressChecker)
	router, _ := s.Channel.(notify.Router)
	title := func(i int) string { return fmt.Sprintf("Parcel <%03d>", 100+i) }
	deliveries := make([]notify.Delivery, crowd)
	letters := make([]notify.Digest, crowd)
	for i := range deliveries {
		deliveries[i] = s.delivery(title(i))
		if digests != nil && i%4 == 3 {
			deliveries[i], letters[i] = s.digest(5, 700+i)
		}
		deliveries[i].Address = s.address(i)
	}
	s.parallel(crowd, func(i int) error {
		if checker != nil {
			_, _ = checker.CheckAddress(deliveries[i].Address)
		}
		if router != nil {
			_ = router.Destination(deliveries[i].Address)
		}
		_ = s.Channel.Name()
		if letters[i].Total > 0 {
			return s.deliverDigest(s.ctx, digests, deliveries[i], letters[i])
		}
		return s.deliver(s.ctx, deliveries[i])
	})

	received := s.Received()
	s.that(len(received) == crowd, "%d calls sent %d messages", crowd, len(received))
	identities := map[string]bool{}
	for _, m := range received {
		identities[m.Identity] = true
	}
	s.that(len(identities) == crowd || identities[""], "%d messages have %d identities", crowd, len(identities))
	for i, d := range deliveries {
		mark := title(i)
		if letters[i].Total > 0 {
			mark = fmt.Sprint(letters[i].Total)
		}
		var found []Message
		for _, m := range received {
			if strings.Contains(m.Text, mark) {
				found = append(found, m)
			}
		}
		s.that(len(found) > 0, "%q was not sent", mark)
		s.that(found[0].To == "" || found[0].To == d.Address.Value, "%q went to another address", mark)
	}
}

func concurrentHang(s *scene) {
	s.behave(Hang)
	hung, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	const hanging = 4
	before := len(s.Received())
	for range hanging {
		d := s.delivery("Parcel 17")
		group.Go(func() { _ = s.Channel.Deliver(hung, d) })
	}
	for range 1000 { // until all of them hang: the peer has their messages
		if len(s.Received()) == before+hanging {
			break
		}
		s.pause(moment / 5)
	}
	s.behave(Accept)
	ctx, stop := context.WithTimeout(s.ctx, grace)
	defer stop()
	s.ok(s.deliver(ctx, s.delivery("Parcel 18")), "a call beside others that hang")
}

// concurrentLeak counts goroutines before and after many calls of each kind.
// Connections may be kept, but a goroutine per call shows.
func concurrentLeak(s *scene) {
	const calls = 40
	round := func(n int) {
		for range n {
			s.sent(s.delivery("Parcel 17"))
		}
		if s.can(Hang) && s.Behave != nil {
			for range n {
				ctx, cancel := context.WithTimeout(s.ctx, time.Millisecond)
				_ = s.deliver(ctx, s.delivery("Parcel 17"))
				cancel()
			}
			s.behave(Accept)
		}
	}
	round(5)
	s.pause(moment)
	before := runtime.NumGoroutine()
	round(calls)
	left := 0
	for range 100 { // what has been told to end may take its time
		if left = runtime.NumGoroutine() - before; left < calls/2 {
			return
		}
		s.pause(2 * moment)
	}
	s.fail("%d goroutines are left of %d calls", left, 2*calls)
}
