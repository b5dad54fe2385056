package main

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

// pgDelivering measures from Send to settled on PostgreSQL: the item in the
// inbox, the delivery in the log. River keeps a row for each job, and no inbox.
// Many at once are a thousand: for River always a bulk insert, for the library
// a Send of so many notifications, or one notification to so many.
var pgDelivering = []comparison{
	againstRiver("PostgreSQL, end to end, 8 senders, against River", 2.5, load{8, 1, startPostgres}, throughput),
	againstRiver("PostgreSQL, end to end, 64 senders, against River", 7, load{64, 1, startPostgres}, throughput),
	againstRiver("PostgreSQL, end to end, 1,000 notifications at once, against River", 2, load{1, 1000, startPostgresBulk}, throughput),
	againstRiver("PostgreSQL, end to end, one to 1,000 recipients, against River", 3.5, load{1, 1000, startPostgres}, throughput),
	againstRiver("PostgreSQL, the same per second of CPU time, 8 senders", 1/0.2, load{8, 1, startPostgres}, frugality),
	againstRiver("PostgreSQL, the same per second of CPU time, 64 senders", 1/0.09, load{64, 1, startPostgres}, frugality),
	againstRiver("PostgreSQL, the same per second of CPU time, 1,000 notifications at once", 1/0.35, load{1, 1000, startPostgresBulk}, frugality),
	againstRiver("PostgreSQL, the same per second of CPU time, one to 1,000 recipients", 1/0.2, load{1, 1000, startPostgres}, frugality),
	onServer(postgresServer, "PostgreSQL, 500 a second, median latency (once through, per second), against River", 4, latency(startRiver, 0.5), latency(startPostgres, 0.5)),
	onServer(postgresServer, "PostgreSQL, 500 a second, 99th percentile (once through, per second), against River", 0, latency(startRiver, 0.99), latency(startPostgres, 0.99)),
	onServer(postgresServer, "PostgreSQL, 64 senders beside a transaction held open, against none", 0.7,
		load{64, 1, startPostgres}.turn(throughput), beside(load{64, 1, startPostgres}.turn(throughput))),
}

// workers is how many attempts the library makes at a time. The queue in memory
// is a multiple of it. River has two thousand, which is what it is fastest with.
const workers = 256

// starter opens a candidate that delivers.
type starter func(ctx context.Context, clock *stopwatch) (*worker, error)

// load is how the senders send.
type load struct {
	senders, recipients int
	start               starter
}

func againstRiver(name string, goal float64, ours load, what measured) comparison {
	rivers := ours
	rivers.start = startRiver
	return onServer(postgresServer, name, goal, rivers.turn(what), ours.turn(what))
}

// measured is what is read off a run of the load.
type measured func(run func() (perSecond float64, delivered int64, err error)) (float64, error)

func throughput(run func() (float64, int64, error)) (float64, error) {
	perSecond, _, err := run()
	return perSecond, err
}

// turn runs the load against a new candidate that is warm.
func (l load) turn(what measured) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		w, err := l.start(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer w.Close()
		defer w.stop()
		if _, err := endToEnd(ctx, w, slice/5, l.senders, l.recipients); err != nil { // pages, plans, caches
			return 0, err
		}
		return what(func() (float64, int64, error) {
			before := w.settled.Load()
			perSecond, err := endToEnd(ctx, w, slice, l.senders, l.recipients)
			return perSecond, w.settled.Load() - before, err
		})
	}
}

func startPostgres(ctx context.Context, clock *stopwatch) (*worker, error) {
	return startServer(ctx, postgresServer, clock)
}

func startServer(ctx context.Context, s *server, clock *stopwatch) (*worker, error) {
	return atWork(ctx, timed{clock: clock}, func(opts *notify.Options) (*center, error) {
		opts.Workers = workers
		return s.center(ctx, nil, opts)
	})
}

func startPostgresBulk(ctx context.Context, clock *stopwatch) (*worker, error) {
	w, err := startPostgres(ctx, clock)
	if err != nil {
		return nil, err
	}
	w.candidate = bulk{w.candidate.(*center)}
	return w, nil
}

// bulk sends each recipient a notification of its own, all in one Send.
type bulk struct{ *center }

func (b bulk) Send(ctx context.Context, number int64, recipients int) error {
	notes := make([]notify.Notification, recipients)
	for i := range notes {
		notes[i] = notify.Notification{
			Provider: "billing", To: []notify.Recipient{notify.User(recipientID(number, i))}, Title: title, Body: body,
		}
	}
	_, err := b.notifier.Send(ctx, notes...)
	return err
}

// timed is immediately with a stopwatch.
type timed struct {
	immediately
	clock *stopwatch
}

func (t timed) Deliver(_ context.Context, d notify.Delivery) error {
	t.clock.arrived(d.Recipient.ID)
	return nil
}

// beside holds a transaction open on the same server while the turn lasts. What
// was removed since it began cannot be vacuumed.
func beside(t turn) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		p, err := postgresServer.newPlace(ctx)
		if err != nil {
			return 0, err
		}
		defer p.Close()
		tx, err := p.db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `CREATE TABLE held (id integer)`); err != nil {
			return 0, err
		}
		return t(ctx, slice)
	}
}
