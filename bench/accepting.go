package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

// accepting measures Send until it returns, with no worker running: the cost of
// taking a notification in and filing it.
var accepting = []comparison{
	sending("SQLite, one sender, one recipient", 0.85, 1, 1, openHandSQL(false), openSQLite(false)),
	sending("SQLite, one sender, one recipient, one delivery", 0, 1, 1, openHandSQL(true), openSQLite(true)),
	sending("SQLite, 32 senders, one recipient, one delivery", 4, 32, 1, openHandSQL(true), openSQLite(true)),
	sending("SQLite, one sender, 100 recipients (items)", 0, 1, 100, openHandSQL(false), openSQLite(false)),
	fanningOut("SQLite, fan-out to 10,000 (items)", 0.8),
	sending("memory, one sender, one recipient", 0.1, 1, 1, openHandMap, openMemory),
	sending("memory, one sender, 100 recipients (items)", 0, 1, 100, openHandMap, openMemory),
	deciding("deciding for 4 channels, against one a microsecond", 1),
}

// candidate stores notifications; Send is called from several goroutines.
type candidate interface {
	Send(ctx context.Context, number int64, recipients int) error
	Close() error
}

type opener func(ctx context.Context, file string) (candidate, error)

// sending compares what is stored in a second. Each turn begins with a new
// store and a warm-up: neither pays for what the other has left in memory, nor
// for a table that is longer.
func sending(name string, goal float64, senders, recipients int, hand, ours opener) comparison {
	return comparison{name: name, goal: goal, open: func(_ context.Context, folder string) (turn, turn, func(), error) {
		turns := make([]turn, 2)
		for i, open := range []opener{hand, ours} {
			turns[i] = func(ctx context.Context, slice time.Duration) (float64, error) {
				each, err := open(ctx, filepath.Join(folder, fmt.Sprintf("%d.db", files.Add(1))))
				if err != nil {
					return 0, err
				}
				defer each.Close()
				send := func(ctx context.Context, number int64) error { return each.Send(ctx, number, recipients) }
				if _, err := repeat(ctx, slice/10, senders, send); err != nil { // pages, plans, caches
					return 0, err
				}
				perSecond, err := repeat(ctx, slice, senders, send)
				return perSecond * float64(recipients), err
			}
		}
		return turns[0], turns[1], func() {}, nil
	}}
}

var files atomic.Int64

// fanningOut compares the items written in a second when one notification goes
// to many: a task that files in chunks, against one transaction of multi-row
// inserts of the same thin rows.
func fanningOut(name string, goal float64) comparison {
	many := 10_000 / scale
	return comparison{name: name, goal: goal, open: func(ctx context.Context, folder string) (turn, turn, func(), error) {
		hand, err := openHandSQL(false)(ctx, filepath.Join(folder, "hand.db"))
		if err != nil {
			return nil, nil, nil, err
		}
		ours, err := openSQLite(false)(ctx, filepath.Join(folder, "ours.db"))
		if err != nil {
			return nil, nil, nil, err
		}
		items := func(one func(ctx context.Context, number int64) error) turn {
			return func(ctx context.Context, slice time.Duration) (float64, error) {
				perSecond, err := repeat(ctx, slice, 1, one)
				return perSecond * float64(many), err
			}
		}
		return items(func(ctx context.Context, number int64) error {
				return hand.(*handSQL).fanOut(ctx, number, many)
			}), items(func(ctx context.Context, number int64) error {
				if err := ours.Send(ctx, number, many); err != nil {
					return err
				}
				return ours.(*center).notifier.Drain(ctx)
			}), func() {
				hand.Close()
				ours.Close()
			}, nil
	}}
}

// deciding measures the pure resolver. Its reference is a pace, not a program.
func deciding(name string, goal float64) comparison {
	question := notify.Question{
		Recipient: notify.User("ann"),
		Provider:  notify.Provider{ID: "billing", Defaults: map[string]notify.Mode{"mobile": notify.Immediate}},
		Preferences: notify.Preferences{
			Version: 3, Channels: map[string]notify.Mode{"browser": notify.Off},
			Choices: map[string]map[string]notify.Mode{"billing": {"email": notify.Daily}},
		},
	}
	for _, channel := range []string{"email", "mobile", "browser", "webhook"} {
		question.Channels = append(question.Channels, notify.ChannelInfo{
			Name: channel, Registered: true, Digest: channel == "email", Default: notify.Immediate,
		})
	}
	return comparison{name: name, goal: goal, open: func(context.Context, string) (turn, turn, func(), error) {
		pace := func(context.Context, time.Duration) (float64, error) { return 1e6, nil }
		ours := func(ctx context.Context, slice time.Duration) (float64, error) {
			const many = 1000 // the clock is not what is measured
			perSecond, err := repeat(ctx, slice, 1, func(context.Context, int64) error {
				for range many {
					runtime.KeepAlive(notify.StandardResolver{}.Resolve(question))
				}
				return nil
			})
			return perSecond * many, err
		}
		return pace, ours, func() {}, nil
	}}
}
