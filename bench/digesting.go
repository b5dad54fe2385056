package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

// digesting measures the hour at which very many digests are due at once: from
// the due plan to the letter handed to the channel and recorded as sent. The
// reference does it for a thousand recipients at a time, in one query and one
// transaction, with no retry, no lease and no second look at what was read.
var digesting = []comparison{
	digests("SQLite, 10,000 digests due at once, whole, against a batched query", 0.8, 10_000),
	digestMemory("SQLite, memory while 100,000 digests are due, against 32 MiB", 1, 100_000),
}

const itemsPerDigest = 3

func digests(name string, goal float64, recipients int) comparison {
	return comparison{name: name, goal: goal, open: func(ctx context.Context, folder string) (turn, turn, func(), error) {
		recipients := recipients / scale
		hand, err := openHandDigests(ctx, filepath.Join(folder, "hand.db"))
		if err != nil {
			return nil, nil, nil, err
		}
		ours, err := openSQLiteDigests(ctx, filepath.Join(folder, "ours.db"))
		if err != nil {
			return nil, nil, nil, errors.Join(err, hand.db.Close())
		}
		// A turn is one day, however long that takes.
		return func(ctx context.Context, _ time.Duration) (float64, error) { return hand.day(ctx, recipients) },
			func(ctx context.Context, _ time.Duration) (float64, error) { return ours.day(ctx, recipients) },
			func() {
				hand.db.Close()
				ours.Close()
			}, nil
	}}
}

// digestMemory measures how much the resident memory grows; more is better in
// this table, so that it is the reciprocal of megabytes.
func digestMemory(name string, goal float64, recipients int) comparison {
	return comparison{name: name, goal: goal, open: func(ctx context.Context, folder string) (turn, turn, func(), error) {
		recipients := recipients / scale
		ours, err := openSQLiteDigests(ctx, filepath.Join(folder, "ours.db"))
		if err != nil {
			return nil, nil, nil, err
		}
		var once sync.Once
		var grown float64
		return func(context.Context, time.Duration) (float64, error) { return 1.0 / 32, nil },
			func(ctx context.Context, _ time.Duration) (float64, error) {
				var err error
				once.Do(func() { grown, err = ours.growth(ctx, recipients) })
				return 1 / grown, err
			},
			func() { ours.Close() }, nil
	}}
}

// digestCenter is a center whose clock is moved from evening to evening.
type digestCenter struct {
	*center
	now  atomic.Pointer[time.Time]
	sent atomic.Int64
}

func openSQLiteDigests(ctx context.Context, file string) (*digestCenter, error) {
	return openDigests(func(now func() time.Time, opts *notify.Options) (*center, error) {
		return openCenterAt(ctx, file, now, opts)
	})
}

func openDigests(open func(now func() time.Time, opts *notify.Options) (*center, error)) (*digestCenter, error) {
	d := &digestCenter{}
	morning := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	d.now.Store(&morning)
	c, err := open(func() time.Time { return *d.now.Load() }, &notify.Options{
		Channels: []notify.Channel{nowhere{}},
		Defaults: map[string]notify.Mode{notify.Email: notify.Daily},
		Links:    notify.Links{Inbox: func(notify.Recipient) string { return "https://app.example/inbox" }},
		Observe: func(_ context.Context, e notify.Event) {
			if e.Type == notify.EventSettled && e.Status == notify.StatusDelivered {
				d.sent.Add(1)
			}
		},
	})
	d.center = c
	return d, err
}

// fill gives everybody what the digest of the day is to hold.
func (d *digestCenter) fill(ctx context.Context, recipients int) error {
	for range itemsPerDigest {
		for first := 0; first < recipients; first += 10_000 {
			to := make([]notify.Recipient, min(10_000, recipients-first))
			for i := range to {
				to[i] = notify.User(userID(first + i))
			}
			if _, err := d.notifier.Send(ctx, notify.Notification{Provider: "billing", To: to, Title: title, Body: body}); err != nil {
				return err
			}
		}
	}
	return d.notifier.Drain(ctx)
}

// evening moves the clock behind the cut and sends what is due.
func (d *digestCenter) evening(ctx context.Context, recipients int) error {
	evening := d.now.Load().Add(10 * time.Hour)
	d.now.Store(&evening)
	before := d.sent.Load()
	if err := d.notifier.Drain(ctx); err != nil {
		return err
	}
	if sent := d.sent.Load() - before; sent != int64(recipients) {
		return fmt.Errorf("%d digests instead of %d", sent, recipients)
	}
	return nil
}

func (d *digestCenter) day(ctx context.Context, recipients int) (float64, error) {
	if err := d.fill(ctx, recipients); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := d.evening(ctx, recipients); err != nil {
		return 0, err
	}
	perSecond := float64(recipients) / time.Since(start).Seconds()
	morning := d.now.Load().Add(14 * time.Hour)
	d.now.Store(&morning)
	return perSecond, nil
}

// growth is by how many MiB the process grew at most while it sent digests.
func (d *digestCenter) growth(ctx context.Context, recipients int) (float64, error) {
	if err := d.fill(ctx, recipients); err != nil {
		return 0, err
	}
	runtime.GC()
	before, err := resident()
	if err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.evening(ctx, recipients) }()
	most := before
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case err := <-ended:
			tick.Stop()
			return max(most-before, 0.1), err
		case <-tick.C:
			now, err := resident()
			if err != nil {
				return 0, err
			}
			most = max(most, now)
		}
	}
}

// resident is the resident memory of this process in MiB, as Linux tells it.
func resident() (float64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("no resident memory in /proc/self/statm")
	}
	pages, err := strconv.Atoi(fields[1])
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20), err
}

func userID(i int) string { return fmt.Sprintf("user-%06d", i) }
