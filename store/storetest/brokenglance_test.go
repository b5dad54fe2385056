package storetest_test

import (
	"context"

	"github.com/bellwether-go/notify"
)

// onGlimpse changes what a glance shows of an inbox.
func onGlimpse(edit func(b *bench, r notify.Recipient, g *notify.Glimpse)) alter {
	return func(b *bench) {
		next := b.glance
		b.glance = func(ctx context.Context, rs []notify.Recipient, limit int) (map[notify.Recipient]notify.Glimpse, error) {
			found, err := next(ctx, rs, limit)
			for r, g := range found {
				edit(b, r, &g)
				found[r] = g
			}
			return found, err
		}
	}
}

var brokenGlance = []broken{
	{"glances at an inbox without its newest", onGlimpse(func(_ *bench, _ notify.Recipient, g *notify.Glimpse) {
		g.Newest = notify.Position{}
	}), []string{"glance/counts and newest are those of the inbox"}},
	{"glances past the limit", onGlimpse(func(b *bench, r notify.Recipient, g *notify.Glimpse) {
		g.Counts, _ = b.m.Counts(context.Background(), r, 1<<30)
	}), []string{"glance/counts stop at the limit"}},
	{"glances at the first thousand only", func(b *bench) {
		next := b.glance
		b.glance = func(ctx context.Context, rs []notify.Recipient, limit int) (map[notify.Recipient]notify.Glimpse, error) {
			return next(ctx, rs[:min(len(rs), 1000)], limit)
		}
	}, []string{"glance/many recipients in one call"}},
}
