package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// handDigests is the reference: a table of who is due, and the items.
type handDigests struct {
	*handSQL
	date int64 // a number; the clock is made up
}

const handDigestSchema = `
CREATE TABLE due (recipient TEXT PRIMARY KEY, cut INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX due_cut ON due (cut);
CREATE TABLE letter (recipient TEXT NOT NULL, cut INTEGER NOT NULL, total INTEGER NOT NULL, PRIMARY KEY (recipient, cut)) WITHOUT ROWID;`

func openHandDigests(ctx context.Context, file string) (*handDigests, error) {
	c, err := openHandSQL(false)(ctx, file)
	if err != nil {
		return nil, err
	}
	h := &handDigests{handSQL: c.(*handSQL)}
	_, err = h.db.ExecContext(ctx, handDigestSchema)
	return h, err
}

func (h *handDigests) fill(ctx context.Context, recipients int) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i := range itemsPerDigest {
		id := handID(numbers.Add(1))
		if _, err := tx.StmtContext(ctx, h.notification).ExecContext(ctx, id, title, body, h.date); err != nil {
			return err
		}
		for r := range recipients {
			if _, err := tx.StmtContext(ctx, h.item).ExecContext(ctx, userID(r), h.date*10+int64(i), id, id); err != nil {
				return err
			}
		}
	}
	for r := range recipients {
		if _, err := tx.ExecContext(ctx, `INSERT INTO due VALUES (?, ?) ON CONFLICT DO UPDATE SET cut = excluded.cut`, userID(r), h.date*10+5); err != nil {
			return err
		}
	}
	return tx.Commit()
}

const handLetters = `
SELECT x.recipient, x.total, n.title, n.body FROM (
	SELECT i.recipient, i.notification,
		ROW_NUMBER() OVER (PARTITION BY i.recipient ORDER BY i.filed DESC, i.id DESC) AS place,
		COUNT(*) OVER (PARTITION BY i.recipient) AS total
	FROM json_each(?) r CROSS JOIN item i ON i.tenant = '' AND i.recipient = r.value AND i.read IS NULL AND i.filed >= ? AND i.filed < ?
) x JOIN notification n ON n.id = x.notification WHERE x.place <= 5`

func (h *handDigests) day(ctx context.Context, recipients int) (float64, error) {
	h.date++
	if err := h.fill(ctx, recipients); err != nil {
		return 0, err
	}
	start := time.Now()
	letters, err := h.evening(ctx)
	if err == nil && letters != recipients {
		err = fmt.Errorf("%d digests instead of %d", letters, recipients)
	}
	return float64(recipients) / time.Since(start).Seconds(), err
}

// evening writes the letters of all who are due.
func (h *handDigests) evening(ctx context.Context) (letters int, err error) {
	cut := h.date*10 + 5
	for {
		var due []string
		err := each(h.db.QueryContext(ctx, `SELECT recipient FROM due WHERE cut <= ? ORDER BY cut LIMIT 1000`, cut))(func(rows *sql.Rows) error {
			var recipient string
			due = append(due, recipient)
			return rows.Scan(&due[len(due)-1])
		})
		if err != nil || len(due) == 0 {
			return letters, err
		}
		list, err := json.Marshal(due)
		if err != nil {
			return letters, err
		}
		totals := make(map[string]int, len(due))
		err = each(h.db.QueryContext(ctx, handLetters, string(list), h.date*10, cut))(func(rows *sql.Rows) error {
			var recipient, title, body string
			var total int
			err := rows.Scan(&recipient, &total, &title, &body)
			totals[recipient] = total
			return err
		})
		if err != nil {
			return letters, err
		}
		record, err := json.Marshal(totals)
		if err != nil {
			return letters, err
		}
		tx, err := h.db.BeginTx(ctx, nil)
		if err != nil {
			return letters, err
		}
		for _, statement := range []struct {
			text string
			args []any
		}{
			{`INSERT INTO letter SELECT key, ?, value FROM json_each(?)`, []any{cut, string(record)}},
			{`UPDATE due SET cut = ? WHERE recipient IN (SELECT value FROM json_each(?))`, []any{cut + 10, string(list)}},
		} {
			if _, err := tx.ExecContext(ctx, statement.text, statement.args...); err != nil {
				return letters, errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return letters, err
		}
		letters += len(totals)
	}
}

func each(rows *sql.Rows, err error) func(func(*sql.Rows) error) error {
	return func(scan func(*sql.Rows) error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}
