package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// errShutdown is the cause of the contexts of attempts that outlive their Run.
var errShutdown = errors.New("notify: shutting down")

// Run does the work until ctx ends: it files large fan-outs, delivers, closes
// digests and renews its leases. It blocks and owns every goroutine it starts.
// When ctx ends it takes no more work, lets attempts finish within
// [Options].ShutdownTimeout, gives back what it has not started, and returns
// nil. Any number of processes may run on one store; a second Run of the same
// Notifier returns ErrRunning.
//
// A channel that ignores its context cannot be stopped: its goroutine is left
// behind, counted in [Health].
func (n *Notifier) Run(ctx context.Context) error {
	s, err := n.begin(ctx, true)
	if err != nil {
		return err
	}
	defer s.end()
	s.liftPauses(ctx)
	s.loop(ctx)
	s.shutDown()
	return nil
}

// Drain does everything that is due now by the clock of the store, what follows
// from it included, and returns. It never sleeps: what is due later stays. It
// is for tests, cron jobs and programs that live shortly. It returns ErrRunning
// beside Run, the error of the store or of a callback of the host if one fails
// (what failed is tried again later), and that of ctx if it ends.
func (n *Notifier) Drain(ctx context.Context) error {
	s, err := n.begin(ctx, false)
	if err != nil {
		return err
	}
	defer s.end()
	for ctx.Err() == nil {
		found, err := s.takeWork(ctx)
		if err != nil {
			s.shutDown()
			return err
		}
		s.wait(ctx)
		if err := s.settler.failure(); err != nil {
			s.shutDown()
			return err
		}
		if !found {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.problem
		}
	}
	s.shutDown()
	return fmt.Errorf("notify: drain: %w", context.Cause(ctx))
}

// session is one Run or Drain: the work that this process holds.
type session struct {
	n       *Notifier
	running bool            // Run, not Drain
	ctx     context.Context // of attempts: it outlives Run's by ShutdownTimeout
	cancel  context.CancelCauseFunc

	mu         sync.Mutex
	accepting  bool
	held       map[ID]*work      // every task this process has a lease on
	replaced   []*work           // still running, though it was claimed anew
	queues     map[string]*queue // per channel; fan-outs and sweeps in fanOutQueue
	problem    error             // the first that work met
	recovering bool              // one recovered task runs at a time
	workers    int               // goroutines at work, without those that channels hold for ever
	idle       chan struct{}     // closed when workers is 0; nil unless somebody waits
	quiet      chan struct{}     // closed when nothing is held; nil unless somebody waits

	destinations destinations
	pauses       pauseBook
	settler      settler
	keeper       chan struct{} // closed to end the keeper
	bucket       int           // where the next claim's turn starts
	wg           sync.WaitGroup
}

// fanOutQueue is the queue of fan-outs and sweeps. No channel has this name.
const fanOutQueue = ""

// fanOutSlots is how many fan-outs a process expands at a time.
const fanOutSlots = 2

func (n *Notifier) begin(ctx context.Context, running bool) (*session, error) {
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s := &session{
		n: n, running: running, ctx: base, cancel: cancel, accepting: true,
		held: make(map[ID]*work), queues: make(map[string]*queue), keeper: make(chan struct{}),
	}
	s.queues[fanOutQueue] = newQueue(s, fanOutQueue, fanOutSlots)
	for name := range n.channels {
		s.queues[name] = newQueue(s, name, n.workers)
	}
	s.settler.session = s
	s.destinations.init(n)
	if !n.active.CompareAndSwap(nil, s) {
		cancel(nil)
		return nil, ErrRunning
	}
	s.wg.Go(s.keep)
	return s, nil
}

// end ends what begin started. It waits for every goroutine but those that a
// channel holds.
func (s *session) end() {
	s.cancel(errShutdown)
	s.mu.Lock()
	s.accepting = false
	idle := make(chan struct{})
	if s.workers == 0 {
		close(idle)
	} else {
		s.idle = idle
	}
	s.mu.Unlock()
	<-idle
	close(s.keeper)
	s.wg.Wait()
	s.n.active.Store(nil)
}

// loop takes work until ctx ends: when a hint comes, when the poll is due, and
// at once as long as there is more than fits.
func (s *session) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.n.wake:
		case <-timer.C:
		}
		_, err := s.takeWork(ctx)
		if ctx.Err() != nil {
			return // what failed with it says nothing about the store
		}
		wait := s.n.pollInterval
		if err != nil {
			failures++
			wait = min(s.n.pollInterval<<min(failures, 3), 10*time.Second)
			s.n.emit(ctx, Event{Type: EventStoreFailed, Reason: "claim", Err: err})
		} else {
			failures = 0
		}
		s.n.health.claimed(err)
		timer.Reset(wait)
	}
}

// takeWork closes the digests that are due and claims tasks, and tells whether
// it found anything.
func (s *session) takeWork(ctx context.Context) (bool, error) {
	if err := s.pauses.refresh(ctx, s.n); err != nil {
		return false, err
	}
	opened, claimed := false, false
	trouble := guarded(func() (err error) {
		opened, err = s.openDigests(ctx)
		return err
	})
	claimed, err := s.claim(ctx)
	return opened || claimed, errors.Join(trouble, err)
}

// trouble keeps the first error that work met, for a Drain to return.
func (s *session) trouble(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem == nil {
		s.problem = err
	}
}

// claim asks the store for as much as the queues have room for.
func (s *session) claim(ctx context.Context) (bool, error) {
	c, evicted := s.request()
	for _, w := range evicted {
		o := s.setBack(w, stepBack(s.n.pollInterval), "made room", "")
		s.settler.add(w, o)
	}
	if len(c.Channels) == 0 && c.FanOuts == 0 {
		return false, nil
	}
	if ctx.Err() != nil {
		s.claimed(c, nil)
		return false, context.Cause(ctx)
	}
	// Not cut short by the end of Run: nobody would know of the leases then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeDeadline)
	defer cancel()
	begun := time.Now()
	tasks, err := s.n.store.Claim(ctx, c)
	if err != nil {
		s.claimed(c, nil)
		return false, fmt.Errorf("notify: claim: %w", err)
	}
	works := make([]*work, len(tasks))
	got := make(map[string]int, len(s.queues))
	recovered := 0
	for i, t := range tasks {
		works[i] = &work{task: t, renewed: begun}
		got[t.queue()]++
		if t.Recovered {
			recovered++
		}
	}
	s.mu.Lock()
	for name, q := range s.queues {
		asked := c.asked(name)
		// With less than it asked for it has left nothing, but for what is recovered few at a time.
		q.hungry = got[name] >= asked || recovered >= recoveredAtOnce
		q.grow(asked, got[name])
	}
	s.mu.Unlock()
	s.add(works)
	s.claimed(c, got)
	return len(tasks) > 0, nil
}

// asked is how many tasks are claimed for a queue.
func (c Claim) asked(queue string) int {
	if queue == fanOutQueue {
		return c.FanOuts
	}
	return c.Channels[queue]
}

// claimed gives back the places that were kept for a claim and for which it got
// nothing.
func (s *session) claimed(c Claim, got map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, q := range s.queues {
		q.coming = max(0, q.coming-(c.asked(name)-got[name]))
	}
}

// request says how much of what this process can take on, and what it gives
// back for that.
func (s *session) request() (c Claim, evicted []*work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c = Claim{Lease: s.n.lease, Channels: make(map[string]int), Bucket: s.bucket, Recovered: recoveredAtOnce}
	s.bucket = (s.bucket + bucketStride) % 256
	if !s.accepting {
		return c, nil
	}
	for name, q := range s.queues {
		evicted = append(evicted, q.evict()...)
		if name == fanOutQueue {
			c.FanOuts = q.room()
			q.coming += c.FanOuts
			continue
		}
		if s.pauses.blocks(name) {
			continue
		}
		room := q.claimable()
		c.Channels[name] = room
		q.coming += room
		if room == 0 && q.urgentRoom() {
			c.Urgent = urgentRoom
		}
	}
	for name := range s.n.audiences {
		c.Audiences = append(c.Audiences, name)
	}
	if static, ok := s.n.providers.(Providers); ok {
		c.Providers = make([]string, 0, len(static))
		for _, p := range static {
			c.Providers = append(c.Providers, p.ID)
			c.Providers = append(c.Providers, p.Aliases...)
		}
	}
	return c, evicted
}

const (
	recoveredAtOnce = 16 // recovered tasks wait for each other, so few are taken
	urgentRoom      = 4  // of urgent tasks, so many are taken into a full queue
	bucketStride    = 37 // coprime to 256: the turns start everywhere alike
)

// holding is how many tasks are held, until what became of them is stored.
func (s *session) holding() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

// wait returns when nothing is held any more, or when ctx ends.
func (s *session) wait(ctx context.Context) {
	s.mu.Lock()
	if len(s.held) == 0 {
		s.mu.Unlock()
		return
	}
	if s.quiet == nil {
		s.quiet = make(chan struct{})
	}
	quiet := s.quiet
	s.mu.Unlock()
	select {
	case <-quiet:
	case <-ctx.Done():
	}
}

// shutDown gives back what has not begun, waits for what has, and cancels what
// takes too long.
func (s *session) shutDown() {
	s.mu.Lock()
	s.accepting = false
	var unstarted []*work
	for _, q := range s.queues {
		unstarted = append(unstarted, q.empty()...)
	}
	s.mu.Unlock()
	s.giveBack(unstarted, "shutdown")
	ctx, cancel := context.WithTimeout(context.Background(), s.n.shutdownTimeout)
	s.wait(ctx)
	cancel()
	s.cancel(errShutdown)
	// Channels that obey their context return at once.
	ctx, cancel = context.WithTimeout(context.Background(), abandonGrace)
	s.wait(ctx)
	cancel()
	s.abandon(func(*work) bool { return true })
}
