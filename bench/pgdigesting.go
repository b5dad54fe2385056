package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

// pgDigesting measures the hour at which very many digests are due at once. The
// reference only selects what they hold, with a query for each recipient: it
// plans, binds, delivers and records nothing.
var pgDigesting = []comparison{
	pgDigests("PostgreSQL, 10,000 digests due at once, whole, against only selecting them one by one", 0, 10_000),
}

func pgDigests(name string, goal float64, recipients int) comparison {
	return comparison{name: name, goal: goal, servers: []*server{postgresServer}, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		recipients := recipients / scale
		hand, err := postgresServer.newPlace(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		ours, err := openDigests(func(now func() time.Time, opts *notify.Options) (*center, error) {
			return postgresServer.center(ctx, now, opts)
		})
		if err == nil {
			err = fillHandDigests(ctx, hand, recipients)
		}
		if err != nil {
			return nil, nil, nil, errors.Join(err, hand.Close())
		}
		return func(ctx context.Context, slice time.Duration) (float64, error) {
				return repeat(ctx, slice, 1, func(ctx context.Context, number int64) error {
					return handDigest(ctx, hand, userID(int(number)%recipients))
				})
			}, func(ctx context.Context, _ time.Duration) (float64, error) { return ours.day(ctx, recipients) },
			func() {
				hand.Close()
				ours.Close()
			}, nil
	}}
}

func fillHandDigests(ctx context.Context, p *place, recipients int) error {
	_, err := p.db.ExecContext(ctx, handPGSchema+fmt.Sprintf(`
		INSERT INTO note (provider, title, body) SELECT 'billing', '%s', '%s' FROM generate_series(1, %d);
		INSERT INTO item (recipient, note) SELECT 'user-' || lpad(u::text, 6, '0'), n
			FROM generate_series(1, %d) n, generate_series(0, %d) u`, title, body, itemsPerDigest, itemsPerDigest, recipients-1))
	if err == nil {
		_, err = p.db.ExecContext(ctx, `VACUUM ANALYZE item, note`)
	}
	return err
}

func handDigest(ctx context.Context, p *place, user string) error {
	items := 0
	err := each(p.db.QueryContext(ctx, `SELECT n.title, n.body, count(*) OVER () FROM item i JOIN note n ON n.id = i.note
		WHERE i.recipient = $1 AND i.read_at IS NULL ORDER BY i.id DESC LIMIT 5`, user))(func(rows *sql.Rows) error {
		var title, body string
		var total int
		items++
		return rows.Scan(&title, &body, &total)
	})
	if err == nil && items != itemsPerDigest {
		err = fmt.Errorf("%d items instead of %d", items, itemsPerDigest)
	}
	return err
}
