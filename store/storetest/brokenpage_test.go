package storetest_test

import (
	"context"

	"github.com/bellwether-go/notify"
)

// onPage changes what a page shows of an inbox.
func onPage(edit func(q notify.ItemQuery, items *[]notify.Item, counts *notify.Counts)) alter {
	return func(b *bench) {
		next := b.page
		b.page = func(ctx context.Context, r notify.Recipient, q notify.ItemQuery, limit int) ([]notify.Item, notify.Counts, error) {
			items, counts, err := next(ctx, r, q, limit)
			edit(q, &items, &counts)
			return items, counts, err
		}
	}
}

var brokenPage = []broken{
	{"a page loses its last item", onPage(func(_ notify.ItemQuery, items *[]notify.Item, _ *notify.Counts) {
		*items = (*items)[:max(len(*items)-1, 0)]
	}), []string{"page/items and counts are those of the inbox"}},
	{"an empty page counts nothing", onPage(func(_ notify.ItemQuery, items *[]notify.Item, counts *notify.Counts) {
		if len(*items) == 0 {
			*counts = notify.Counts{}
		}
	}), []string{"page/one without items has the counts all the same"}},
	{"a page counts past the limit", func(b *bench) {
		next := b.page
		b.page = func(ctx context.Context, r notify.Recipient, q notify.ItemQuery, limit int) ([]notify.Item, notify.Counts, error) {
			return next(ctx, r, q, limit+1)
		}
	}, []string{"page/counts stop at the limit"}},
}
