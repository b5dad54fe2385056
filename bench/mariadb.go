package main

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// mariaComparing measures MariaDB: against a transaction for each Send as it is
// written by hand, and end to end against the library on PostgreSQL.
var mariaComparing = []comparison{
	onServer(mariaServer, "MariaDB, one sender, one delivery, against a transaction each", 0,
		sends(openHandMaria, 1, 1), sends(openOn(mariaServer, true), 1, 1)),
	onServer(mariaServer, "MariaDB, 32 senders, one delivery each, against a transaction each", 3.3,
		sends(openHandMaria, 32, 1), sends(openOn(mariaServer, true), 32, 1)),
	{name: "MariaDB, end to end, 64 senders, against PostgreSQL", goal: 0.8, servers: []*server{mariaServer, postgresServer},
		open: func(context.Context, string) (turn, turn, func(), error) {
			return load{64, 1, startPostgres}.turn(throughput), load{64, 1, startMaria}.turn(throughput), func() {}, nil
		}},
}

func startMaria(ctx context.Context, clock *stopwatch) (*worker, error) {
	return startServer(ctx, mariaServer, clock)
}

var handMariaSchema = []string{
	`CREATE TABLE note (id BIGINT PRIMARY KEY, provider VARCHAR(190) NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, accepted DATETIME(6) NOT NULL)`,
	`CREATE TABLE item (id BIGINT PRIMARY KEY, recipient VARCHAR(190) NOT NULL, note BIGINT NOT NULL, filed DATETIME(6) NOT NULL,
		read_at DATETIME(6), KEY (recipient, read_at, id))`,
	`CREATE TABLE task (id BIGINT PRIMARY KEY, item BIGINT NOT NULL, channel VARCHAR(64) NOT NULL, due DATETIME(6) NOT NULL,
		attempts INTEGER NOT NULL DEFAULT 0, KEY (due))`,
}

// handMaria writes three rows in a transaction, with prepared statements.
type handMaria struct {
	*place
	inserts [3]*sql.Stmt
}

func openHandMaria(ctx context.Context) (candidate, error) {
	p, err := mariaServer.newPlace(ctx)
	if err != nil {
		return nil, err
	}
	h := &handMaria{place: p}
	for _, statement := range handMariaSchema {
		if _, err := p.db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	for i, insert := range []string{
		`INSERT INTO note VALUES (?, 'billing', ?, ?, ?)`,
		`INSERT INTO item VALUES (?, ?, ?, ?, NULL)`,
		`INSERT INTO task (id, item, channel, due) VALUES (?, ?, 'email', ?)`,
	} {
		if h.inserts[i], err = p.db.PrepareContext(ctx, insert); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return h, nil
}

func (h *handMaria) Send(ctx context.Context, number int64, _ int) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	now := time.Now().UTC().Format("2006-01-02 15:04:05.000000")
	for i, args := range [][]any{
		{number, title, body, now},
		{number, recipientID(number, 0), number, now},
		{number, number, now},
	} {
		if _, err := tx.StmtContext(ctx, h.inserts[i]).ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
