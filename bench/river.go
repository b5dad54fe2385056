package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverQueue is River, a queue of jobs on PostgreSQL, at its fastest setting.
type riverQueue struct {
	*place
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

// letter is a job with the texts of a notification.
type letter struct {
	Recipient, Title, Body string
}

func (letter) Kind() string { return "letter" }

type postman struct {
	river.WorkerDefaults[letter]
	clock *stopwatch
}

func (p *postman) Work(_ context.Context, job *river.Job[letter]) error {
	p.clock.arrived(job.Args.Recipient)
	return nil
}

func startRiver(ctx context.Context, clock *stopwatch) (*worker, error) {
	p, err := postgresServer.newPlace(ctx)
	if err != nil {
		return nil, err
	}
	q := &riverQueue{place: p}
	w, err := q.start(ctx, clock)
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return w, nil
}

func (q *riverQueue) start(ctx context.Context, clock *stopwatch) (*worker, error) {
	config, err := pgxpool.ParseConfig(q.dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = pooled
	if q.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	driver := riverpgxv5.New(q.pool)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &postman{clock: clock})
	q.client, err = river.NewClient(driver, &river.Config{
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2000}},
		FetchCooldown: 2 * time.Millisecond,
		Workers:       workers,
	})
	if err != nil {
		return nil, err
	}
	// More than is ever under way: what a subscriber is too slow for is dropped.
	completed, unsubscribe := q.client.SubscribeConfig(&river.SubscribeConfig{
		ChanSize: 1 << 18, Kinds: []river.EventKind{river.EventKindJobCompleted},
	})
	var settled atomic.Int64
	go func() {
		for range completed {
			settled.Add(1)
		}
	}()
	running, cancel := context.WithCancel(ctx)
	if err := q.client.Start(running); err != nil {
		cancel()
		return nil, err
	}
	return &worker{q, &settled, func() {
		_ = q.client.Stop(context.WithoutCancel(ctx)) // what it could not do is missing from settled
		cancel()
		unsubscribe()
	}}, nil
}

func (q *riverQueue) Send(ctx context.Context, number int64, recipients int) error {
	if recipients == 1 {
		_, err := q.client.Insert(ctx, letter{recipientID(number, 0), title, body}, nil)
		return err
	}
	jobs := make([]river.InsertManyParams, recipients)
	for i := range jobs {
		jobs[i].Args = letter{recipientID(number, i), title, body}
	}
	_, err := q.client.InsertManyFast(ctx, jobs)
	return err
}

func (q *riverQueue) Close() error {
	if q.pool != nil {
		q.pool.Close()
	}
	return q.place.Close()
}
