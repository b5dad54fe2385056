package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// world is one run of the simulation.
type world struct {
	t      *testing.T
	seed   uint64
	ctx    context.Context // of all processes
	end    context.CancelFunc
	store  *memory.Store
	ledger *ledger
	faults *faults

	jump    atomic.Int64 // of the store's clock, in nanoseconds
	jumped  atomic.Int64 // when it last went forward, by the bubble's clock
	calls   atomic.Int64
	slots   [2]atomic.Pointer[process]
	running sync.WaitGroup

	// Guarded by the ledger's mutex.
	inFlight map[notify.ID]*process
	letters  map[letter]appearance

	mu         sync.Mutex
	violations []string
	history    []string
	down       map[string]time.Time // servers, until when
}

func newWorld(t *testing.T, seed uint64, f *faults) *world {
	ctx, end := context.WithCancel(t.Context())
	w := &world{
		t: t, seed: seed, ctx: ctx, end: end, faults: f,
		inFlight: make(map[notify.ID]*process), letters: make(map[letter]appearance), down: make(map[string]time.Time),
	}
	// Near a change of the clocks of Berlin and New York, by turns.
	dates := []time.Time{
		time.Date(2026, 3, 28, 6, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 6, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 13, 12, 0, 0, 0, time.UTC),
	}
	w.jump.Store(int64(time.Until(dates[seed%4])))
	w.store = memory.New(&memory.Options{Now: func() time.Time { return time.Now().Add(time.Duration(w.jump.Load())) }})
	w.ledger = newLedger(w)
	return w
}

// violated notes that a rule was broken.
func (w *world) violated(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.violations) < 20 {
		w.violations = append(w.violations, fmt.Sprintf(format, args...))
	}
}

// trace keeps what happened, for failures to show.
func (w *world) trace(format string, args ...any) {
	line := time.Now().Format("02 15:04:05.000 ") + fmt.Sprintf(format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history = append(w.history, line)
}

// report fails the test with what was violated and what had happened to it.
func (w *world) report() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.violations) == 0 {
		return
	}
	w.t.Errorf("seed %d, to be replayed with NOTIFY_SIMULATION=%d", w.seed, w.seed)
	for _, v := range w.violations {
		w.t.Error(v)
	}
	for _, line := range w.about(w.violations[0]) {
		w.t.Log(line)
	}
}

// about is what happened to the ids that a violation names, and to the
// processes that had a part in it.
func (w *world) about(violation string) []string {
	isID := func(word string) bool { return len(word) == 36 }
	words := slices.DeleteFunc(strings.FieldsFunc(violation, func(r rune) bool { return strings.ContainsRune(" ,:[](){}", r) }),
		func(word string) bool { return !isID(word) })
	mentions := func(line string, words []string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(line, word) })
	}
	var processes []string
	for _, line := range w.history {
		if at := strings.Index(line, "process "); at >= 0 && mentions(line, words) {
			processes = append(processes, strings.Join(strings.Fields(line[at:])[:2], " ")+" ")
		}
	}
	var lines []string
	for _, line := range w.history {
		fate := strings.Contains(line, "crashes") || strings.Contains(line, "freezes") || strings.Contains(line, "stopped")
		if mentions(line, words) || fate && mentions(line, processes) || strings.Contains(line, "the clock jumps") {
			lines = append(lines, line)
		}
	}
	return lines
}

const (
	lease        = 30 * time.Second
	pollInterval = time.Minute
)

// newNotifier is the center of one process.
func (w *world) newNotifier(p *process) *notify.Notifier {
	n, err := notify.New(faulty{p}, &notify.Options{
		Channels:     []notify.Channel{mail{peer{p, notify.Email}}, device{peer{p, notify.Mobile}}},
		Providers:    providers,
		Directory:    directory{p},
		Audiences:    map[string]notify.Audience{"team": audience{p, teamSize}, "crowd": audience{p, crowdSize}},
		Links:        notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
		Retry:        notify.Backoff{Base: 20 * time.Second, Cap: 20 * time.Minute},
		Workers:      4,
		InlineFanOut: 3,
		DigestLimit:  1000,

		PollInterval:    pollInterval,
		Lease:           lease,
		AttemptTimeout:  20 * time.Second,
		ShutdownTimeout: 5 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// runSlot keeps one process alive, replacing those that crash.
func (w *world) runSlot(slot int) {
	rng := chance(w.seed, "slot", uint64(slot))
	for life := 0; w.ctx.Err() == nil; life++ {
		w.start(slot, life)
		wait := time.Duration(rng.IntN(90)) * time.Second
		if w.faults.isHealed() {
			wait = time.Second
		}
		select {
		case <-time.After(wait):
		case <-w.ctx.Done():
		}
	}
}

// anyProcess is one that is at work, or nil.
func (w *world) anyProcess(n int) *process {
	for i := range w.slots {
		if p := w.slots[(n+i)%len(w.slots)].Load(); p != nil && !p.crashed() {
			return p
		}
	}
	return nil
}

// moveClock lets the clock of the store jump.
func (w *world) moveClock(d time.Duration) {
	w.jump.Add(int64(d))
	if d > 0 {
		w.jumped.Store(time.Now().UnixNano())
	}
	w.trace("the clock jumps by %s", d)
}
