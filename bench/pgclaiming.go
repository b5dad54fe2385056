package main

import (
	"context"
	"errors"
	"time"

	"github.com/bellwether-go/notify"
)

// pgClaiming measures a worker before a long queue: claims of a hundred, settled
// at once. A queue of ten thousand is the reference.
var pgClaiming = []comparison{
	claims("PostgreSQL, claimed and settled before 1,000,000 queued, against 10,000", 0.8, 1_000_000, 10_000),
}

const claimed = 100

func claims(name string, goal float64, long, short int) comparison {
	return comparison{name: name, goal: goal, servers: []*server{postgresServer}, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		queue, err := openQueue(ctx, long/scale)
		if err != nil {
			return nil, nil, nil, err
		}
		return func(ctx context.Context, slice time.Duration) (float64, error) {
				queue, err := openQueue(ctx, max(short/scale, 2*claimed))
				if err != nil {
					return 0, err
				}
				defer queue.Close()
				return work(ctx, queue, slice, short/scale/2)
			}, func(ctx context.Context, slice time.Duration) (float64, error) {
				return work(ctx, queue, slice, short/scale/2)
			}, func() { queue.Close() }, nil
	}}
}

// openQueue files so many deliveries that nobody works on. Most are made from
// the first by the database: filing a million would take minutes.
func openQueue(ctx context.Context, deliveries int) (*center, error) {
	c, err := postgresServer.center(ctx, nil, &notify.Options{Channels: []notify.Channel{immediately{}}, InlineFanOut: 100})
	if err != nil {
		return nil, err
	}
	const first = 100
	err = c.Send(ctx, 0, first)
	if err == nil {
		_, err = c.db.ExecContext(ctx, `INSERT INTO notify_task
			SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'due', t.due + n, 'bucket', n % 16))).*
			FROM notify_task t, generate_series(2, $1) n`, deliveries/first)
	}
	if err == nil {
		_, err = c.db.ExecContext(ctx, `VACUUM ANALYZE notify_task`)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// work claims and settles until the slice is over or so many are done.
func work(ctx context.Context, c *center, slice time.Duration, most int) (float64, error) {
	start, done := time.Now(), 0
	for done == 0 || done < most && time.Since(start) < slice {
		tasks, err := c.store.Claim(ctx, notify.Claim{
			Lease: time.Minute, Channels: map[string]int{notify.Email: claimed}, Bucket: done / claimed,
		})
		if err != nil {
			return 0, err
		}
		if len(tasks) == 0 {
			return 0, errors.New("the queue is empty")
		}
		outcomes := make([]notify.Outcome, len(tasks))
		for i, t := range tasks {
			outcomes[i] = notify.Outcome{Task: notify.Lease{ID: t.ID, Epoch: t.Epoch}, Status: notify.StatusDelivered}
		}
		if _, err := c.store.Settle(ctx, outcomes); err != nil {
			return 0, err
		}
		done += len(tasks)
	}
	return float64(done) / time.Since(start).Seconds(), nil
}
