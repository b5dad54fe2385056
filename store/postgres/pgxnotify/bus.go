package pgxnotify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bellwether-go/notify"
)

// DefaultChannel is what is listened to unless [Options] say otherwise.
const DefaultChannel = "notify"

// Options are the settings of a [Bus]. Nil and the zero value are the defaults.
type Options struct {
	// Channel is the name for LISTEN and NOTIFY, of a-z, 0-9 and _. All
	// processes of a center have the same, and no other center has it. Empty is
	// DefaultChannel.
	Channel string

	// Connect makes the connection that listens. It has to lead to the server,
	// not to a pooler that gives each transaction another connection: there
	// nothing is ever heard, and no error tells. Nil connects as the pool does,
	// with its BeforeConnect and AfterConnect.
	Connect func(ctx context.Context) (*pgx.Conn, error)

	// Logger is told when listening has failed and when it works again. Nil is
	// silent.
	Logger *slog.Logger
}

// Bus is a [notify.Bus] over LISTEN and NOTIFY. What it carries are hints: a
// center that loses all of them is as right as before and slower by its
// PollInterval. A Publish is one NOTIFY at most, which names recipients by
// hashes; pop-ups ([notify.Notification].Transient) reach the watchers of the
// same process only.
//
// It is safe for concurrent use. Without [Bus.Run] it publishes and hears
// nothing of others.
type Bus struct {
	pool    *pgxpool.Pool
	options Options
	origin  string

	mu          sync.Mutex
	next        int
	subscribers map[string]map[int]subscriber // by hash
}

type subscriber struct {
	recipient notify.Recipient
	fn        func(notify.Signal)
}

var _ notify.Bus = (*Bus)(nil)

var channelForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// New makes a bus that publishes over the pool. It connects to nothing yet.
func New(pool *pgxpool.Pool, opts *Options) (*Bus, error) {
	var options Options
	if opts != nil {
		options = *opts
	}
	if options.Channel == "" {
		options.Channel = DefaultChannel
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if pool == nil {
		return nil, &notify.InvalidError{Field: "pool", Reason: "there is none"}
	}
	if !channelForm.MatchString(options.Channel) {
		return nil, &notify.InvalidError{Field: "Channel", Reason: "must be 1 to 63 of a-z, 0-9 and _, and not start with a digit"}
	}
	if options.Connect == nil {
		options.Connect = func(ctx context.Context) (*pgx.Conn, error) { return connectAs(ctx, pool.Config()) }
	}
	return &Bus{pool: pool, options: options, origin: newOrigin(), subscribers: map[string]map[int]subscriber{}}, nil
}

// connectAs connects as a pool does: hosts give passwords that change, or set a
// role, by its hooks.
func connectAs(ctx context.Context, pool *pgxpool.Config) (*pgx.Conn, error) {
	if pool.BeforeConnect != nil {
		if err := pool.BeforeConnect(ctx, pool.ConnConfig); err != nil {
			return nil, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, pool.ConnConfig)
	if err != nil || pool.AfterConnect == nil {
		return conn, err
	}
	if err := pool.AfterConnect(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// publishing is how long a Publish may take, whoever calls it waits for it: what a
// hint that comes later than that would tell, a poll has found.
const publishing = time.Second

// Publish implements [notify.Bus]. The watchers of this process are told even
// if the others cannot be, within a second.
func (b *Bus) Publish(ctx context.Context, signals []notify.Signal) error {
	for _, s := range signals {
		b.tell(hash(s.Recipient), func(to notify.Recipient) (notify.Signal, bool) { return s, to == s.Recipient })
	}
	text := payload(b.origin, signals)
	if text == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishing)
	defer cancel()
	if _, err := b.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, b.options.Channel, text); err != nil {
		return fmt.Errorf("pgxnotify: publish: %w", err)
	}
	return nil
}

// WakeTx adds to a transaction of the host, in which something was sent, that
// the workers of all processes look for work when it commits. PostgreSQL sends
// one such hint for a transaction, however often it is called. It costs the
// transaction a round trip, and commits with hints queue behind one another:
// hosts with many transactions do without, and call [notify.Notifier.Wake]
// after the commit, or wait for the poll.
func (b *Bus) WakeTx(ctx context.Context, tx pgx.Tx) error {
	// Its own process is to hear it as well.
	_, err := tx.Exec(ctx, `SELECT pg_notify($1, $2)`, b.options.Channel, "wake "+everybody)
	if err != nil {
		return fmt.Errorf("pgxnotify: wake: %w", err)
	}
	return nil
}

// Subscribe implements [notify.Bus].
func (b *Bus) Subscribe(r notify.Recipient, fn func(notify.Signal)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	id, name := b.next, hash(r)
	if b.subscribers[name] == nil {
		b.subscribers[name] = map[int]subscriber{}
	}
	b.subscribers[name][id] = subscriber{r, fn}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subscribers[name], id)
		if len(b.subscribers[name]) == 0 {
			delete(b.subscribers, name)
		}
	}, nil
}

// tell calls the subscribers of a hash, "" being all.
func (b *Bus) tell(name string, signal func(to notify.Recipient) (notify.Signal, bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	groups := b.subscribers
	if name != "" {
		groups = map[string]map[int]subscriber{name: b.subscribers[name]}
	}
	for _, group := range groups {
		for _, s := range group {
			if what, ok := signal(s.recipient); ok {
				s.fn(what)
			}
		}
	}
}

// How often to look whether a silent connection still lives, and how long to
// wait before another is made.
const (
	silence         = 30 * time.Second
	patience        = 10 * time.Second
	soonest, latest = 100 * time.Millisecond, 5 * time.Second
)

// Run listens until ctx ends, and returns nil then. A connection that is lost
// is made anew; whoever watches is then told to look, because hints may have
// been lost with it. Wake, which may be nil, is called when there may be work:
// give it [notify.Notifier.Wake].
func (b *Bus) Run(ctx context.Context, wake func()) error {
	if wake == nil {
		wake = func() {}
	}
	wait := soonest
	for lost := false; ; lost = true {
		err := b.listen(ctx, func() {
			wait = soonest
			if lost {
				b.options.Logger.InfoContext(ctx, "pgxnotify: listening again")
				b.everything(wake)
			}
		}, wake)
		if ctx.Err() != nil {
			return nil
		}
		b.options.Logger.WarnContext(ctx, "pgxnotify: not listening, polls go on", "error", plain(err))
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = min(2*wait, latest)
	}
}

// plain is an error without what a connection string says, which pgx puts into
// that of a connection that fails.
func plain(err error) string {
	if failed, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return "cannot connect: " + fmt.Sprint(errors.Unwrap(failed))
	}
	return err.Error()
}

// listen hears hints on one connection until it fails.
func (b *Bus) listen(ctx context.Context, ready, wake func()) error {
	connecting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := b.options.Connect(connecting)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(closing)
	}()
	if _, err := conn.Exec(connecting, `LISTEN `+pgx.Identifier{b.options.Channel}.Sanitize()); err != nil {
		return err
	}
	ready()
	for {
		quiet, cancel := context.WithTimeout(ctx, silence)
		n, err := conn.WaitForNotification(quiet)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			b.hear(n.Payload, wake)
		case quiet.Err() == nil || conn.IsClosed():
			return err
		default:
			alive, cancel := context.WithTimeout(ctx, patience)
			err := conn.Ping(alive)
			cancel()
			if err != nil {
				return err
			}
		}
	}
}

// hear tells those whom a hint is about. An item somewhere may have brought
// deliveries, so that it wakes the workers as well.
func (b *Bus) hear(payload string, wake func()) {
	for i, what := range parse(b.origin, payload) {
		if what.hash == "" {
			b.everything(wake)
			return
		}
		if i == 0 {
			wake()
		}
		b.tell(what.hash, func(to notify.Recipient) (notify.Signal, bool) {
			return notify.Signal{Recipient: to, Changed: what.changed}, true
		})
	}
}

// everything has all look.
func (b *Bus) everything(wake func()) {
	wake()
	b.tell("", func(to notify.Recipient) (notify.Signal, bool) {
		return notify.Signal{Recipient: to, Changed: true}, true
	})
}
