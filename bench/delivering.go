package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
	"maragu.dev/goqite"
	"maragu.dev/goqite/jobs"

	_ "embed"
)

// delivering measures from Send to settled, with a channel that does nothing:
// the item in the inbox, the delivery in the log. The peer is a job queue on the
// same driver with the same durability, which keeps neither.
var delivering = []comparison{
	delivered("SQLite, end to end, 8 senders, against goqite", 2, 8),
	delivered("SQLite, end to end, 64 senders, against goqite", 5, 64),
}

// worker delivers what was sent, in the background; settled counts it.
type worker struct {
	candidate
	settled *atomic.Int64
	stop    func()
}

func delivered(name string, goal float64, senders int) comparison {
	return comparison{name: name, goal: goal, open: func(_ context.Context, folder string) (turn, turn, func(), error) {
		turns := make([]turn, 2)
		for i, open := range []func(context.Context, string) (*worker, error){startGoqite, startCenter} {
			turns[i] = func(ctx context.Context, slice time.Duration) (float64, error) {
				w, err := open(ctx, filepath.Join(folder, fmt.Sprintf("%d.db", files.Add(1))))
				if err != nil {
					return 0, err
				}
				defer w.Close()
				defer w.stop()
				return endToEnd(ctx, w, slice, senders, 1)
			}
		}
		return turns[0], turns[1], func() {}, nil
	}}
}

// endToEnd sends for a while, to so many recipients at a time, and counts until
// the last one is settled.
func endToEnd(ctx context.Context, w *worker, slice time.Duration, senders, recipients int) (float64, error) {
	start, before := time.Now(), w.settled.Load()
	var sent atomic.Int64
	_, err := repeat(ctx, slice, senders, func(ctx context.Context, number int64) error {
		if err := w.Send(ctx, number, recipients); err != nil {
			return err
		}
		sent.Add(int64(recipients))
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := w.settledBy(start.Add(time.Minute+10*slice), before+sent.Load()); err != nil {
		return 0, err
	}
	return float64(sent.Load()) / time.Since(start).Seconds(), nil
}

// settledBy waits until so many are settled.
func (w *worker) settledBy(end time.Time, count int64) error {
	for w.settled.Load() < count {
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d settled in time", w.settled.Load(), count)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func startCenter(ctx context.Context, file string) (*worker, error) {
	return atWork(ctx, immediately{}, func(opts *notify.Options) (*center, error) { return openCenter(ctx, file, opts) })
}

// atWork opens a center with the one channel, and has it deliver.
func atWork(ctx context.Context, through notify.Channel, open func(*notify.Options) (*center, error)) (*worker, error) {
	var settled atomic.Int64
	c, err := open(&notify.Options{
		Channels: []notify.Channel{through},
		Observe: func(_ context.Context, e notify.Event) {
			if e.Type == notify.EventSettled && e.Status == notify.StatusDelivered {
				settled.Add(1)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.notifier.Run(running) // what it could not do is missing from settled
	}()
	return &worker{c, &settled, func() {
		cancel()
		<-ended
	}}, nil
}

// immediately is nowhere without digests, so that it needs no link.
type immediately struct{}

func (immediately) Name() string                                   { return "email" }
func (immediately) Addressless() bool                              { return true }
func (immediately) Deliver(context.Context, notify.Delivery) error { return nil }

//go:embed goqite.sql
var goqiteSchema string

// queued is goqite with its own runner of jobs.
type queued struct {
	db    *sql.DB
	queue *goqite.Queue
}

func (q *queued) Send(ctx context.Context, number int64, _ int) error {
	var b bytes.Buffer
	b.WriteString(recipientID(number, 0))
	b.WriteString(title)
	b.WriteString(body)
	_, err := jobs.Create(ctx, q.queue, "deliver", goqite.Message{Body: b.Bytes()})
	return err
}

func (q *queued) Close() error { return q.db.Close() }

func startGoqite(ctx context.Context, file string) (*worker, error) {
	db, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		return nil, err
	}
	// One connection is its fastest setting, and what its documentation uses.
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	for _, statement := range strings.SplitAfter(goqiteSchema, ";\n\n") {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	q := &queued{db, goqite.New(goqite.NewOpts{DB: db, Name: "bench"})}
	var settled atomic.Int64
	runner := jobs.NewRunner(jobs.NewRunnerOpts{Limit: 16, PollInterval: time.Millisecond, Queue: q.queue})
	runner.Register("deliver", func(context.Context, []byte) error {
		settled.Add(1)
		return nil
	})
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runner.Start(running)
	}()
	return &worker{q, &settled, func() {
		cancel()
		<-ended
	}}, nil
}
