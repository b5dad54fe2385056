package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// handPGSchema is an inbox and an outbox as somebody would write them on
// PostgreSQL: numbers as keys, and the indexes that reading needs. An entry is an
// item with its text, so that it needs no second row.
const handPGSchema = `
CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, provider text NOT NULL, title text NOT NULL,
	body text NOT NULL, accepted timestamptz NOT NULL DEFAULT now());
CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, recipient text NOT NULL, note bigint NOT NULL,
	filed timestamptz NOT NULL DEFAULT now(), read_at timestamptz);
CREATE INDEX item_recipient ON item (recipient, id DESC);
CREATE INDEX item_unread ON item (recipient, id DESC) WHERE read_at IS NULL;
CREATE TABLE task (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item bigint NOT NULL, channel text NOT NULL,
	due timestamptz NOT NULL DEFAULT now(), attempts integer NOT NULL DEFAULT 0);
CREATE INDEX task_due ON task (due);
CREATE TABLE entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, recipient text NOT NULL, provider text NOT NULL,
	title text NOT NULL, body text NOT NULL, filed timestamptz NOT NULL, read_at timestamptz);
CREATE INDEX entry_recipient ON entry (recipient, id DESC);
CREATE INDEX entry_unread ON entry (recipient, id DESC) WHERE read_at IS NULL;`

// One trip and one transaction for all rows of a Send.
const (
	handPGTwoRows = `WITH n AS (INSERT INTO note (provider, title, body) VALUES ('billing', $2, $3) RETURNING id)
		INSERT INTO item (recipient, note) SELECT $1, id FROM n`
	handPGThreeRows = `WITH n AS (INSERT INTO note (provider, title, body) VALUES ('billing', $2, $3) RETURNING id),
		i AS (INSERT INTO item (recipient, note) SELECT $1, id FROM n RETURNING id)
		INSERT INTO task (item, channel) SELECT id, 'email' FROM i`
)

// handPG writes with one prepared statement.
type handPG struct {
	*place
	send *sql.Stmt
}

func openHandPG(statement string) func(context.Context) (candidate, error) {
	return func(ctx context.Context) (candidate, error) {
		p, err := postgresServer.newPlace(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := p.db.ExecContext(ctx, handPGSchema); err != nil {
			return nil, errors.Join(err, p.Close())
		}
		send, err := p.db.PrepareContext(ctx, statement)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		return &handPG{p, send}, nil
	}
}

// Send writes the rows of one recipient, or copies full rows for many.
func (h *handPG) Send(ctx context.Context, number int64, recipients int) error {
	if recipients > 1 {
		return h.copy(ctx, number, recipients)
	}
	_, err := h.send.ExecContext(ctx, recipientID(number, 0), title, body)
	return err
}

func (h *handPG) copy(ctx context.Context, number int64, recipients int) error {
	conn, err := h.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	now := time.Now()
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{"entry"},
			[]string{"recipient", "provider", "title", "body", "filed"},
			pgx.CopyFromSlice(recipients, func(i int) ([]any, error) {
				return []any{recipientID(number, i), "billing", title, body, now}, nil
			}))
		return err
	})
}
