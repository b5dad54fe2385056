package main

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite"
)

// handSchema is what somebody would write who needs an inbox and an outbox and
// nothing else: the same rows that the library writes for it, with the indexes
// that reading them needs.
const handSchema = `
CREATE TABLE notification (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, provider TEXT NOT NULL, key TEXT,
	title TEXT NOT NULL, body TEXT NOT NULL, accepted INTEGER NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX notification_key ON notification (tenant, provider, key) WHERE key IS NOT NULL;
CREATE TABLE item (tenant TEXT NOT NULL, recipient TEXT NOT NULL, filed INTEGER NOT NULL, id TEXT NOT NULL,
	notification TEXT NOT NULL, read INTEGER, PRIMARY KEY (tenant, recipient, filed, id)) WITHOUT ROWID;
CREATE INDEX item_unread ON item (tenant, recipient, filed) WHERE read IS NULL;
CREATE TABLE task (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, recipient TEXT NOT NULL, notification TEXT NOT NULL,
	channel TEXT NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX task_due ON task (due);`

// dsn opens a file so that what is committed survives a power cut.
func dsn(file string) string {
	return "file:" + file + "?_txlock=immediate&_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
}

// handSQL writes with prepared statements, one transaction for each Send, over
// one connection: the fastest plain way on SQLite.
type handSQL struct {
	db                       *sql.DB
	notification, item, task *sql.Stmt
	tasks                    bool
}

func openHandSQL(tasks bool) opener {
	return func(ctx context.Context, file string) (candidate, error) {
		db, err := sql.Open("sqlite", dsn(file))
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(ctx, handSchema); err != nil {
			return nil, err
		}
		h := &handSQL{db: db, tasks: tasks}
		for query, into := range map[string]**sql.Stmt{
			`INSERT INTO notification (id, tenant, provider, key, title, body, accepted) VALUES (?, '', 'billing', NULL, ?, ?, ?)`: &h.notification,
			`INSERT INTO item (tenant, recipient, filed, id, notification) VALUES ('', ?, ?, ?, ?)`:                                &h.item,
			`INSERT INTO task (id, tenant, recipient, notification, channel, due) VALUES (?, '', ?, ?, 'email', ?)`:                &h.task,
		} {
			if *into, err = db.PrepareContext(ctx, query); err != nil {
				return nil, err
			}
		}
		return h, nil
	}
}

func (h *handSQL) Send(ctx context.Context, number int64, recipients int) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	id, now := handID(number), time.Now().UnixMicro()
	if _, err := tx.StmtContext(ctx, h.notification).ExecContext(ctx, id, title, body, now); err != nil {
		return err
	}
	for r := range recipients {
		user := recipientID(number, r)
		if _, err := tx.StmtContext(ctx, h.item).ExecContext(ctx, user, now, id, id); err != nil {
			return err
		}
		if !h.tasks {
			continue
		}
		if _, err := tx.StmtContext(ctx, h.task).ExecContext(ctx, id[8:]+fmt.Sprintf("%08d", r), user, id, now); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// handID is of the length and order of the ids of the library.
func handID(number int64) string { return fmt.Sprintf("%036d", number) }

// handChunk is how many rows a multi-row insert has.
const handChunk = 500

// fanOut writes one notification and an item for each recipient, in one
// transaction of multi-row inserts.
func (h *handSQL) fanOut(ctx context.Context, number int64, recipients int) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	id, now := handID(number), time.Now().UnixMicro()
	if _, err := tx.StmtContext(ctx, h.notification).ExecContext(ctx, id, title, body, now); err != nil {
		return err
	}
	for first := 0; first < recipients; first += handChunk {
		rows := min(handChunk, recipients-first)
		args := make([]any, 0, 4*rows)
		for r := range rows {
			args = append(args, recipientID(number, first+r), now, id, id)
		}
		text := `INSERT INTO item (tenant, recipient, filed, id, notification) VALUES ('', ?, ?, ?, ?)` +
			strings.Repeat(`, ('', ?, ?, ?, ?)`, rows-1)
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (h *handSQL) Close() error { return h.db.Close() }

// handMap is an inbox in memory as somebody would write it: a map of slices
// behind a lock, in shards.
type handMap struct {
	shards [64]struct {
		sync.RWMutex
		inbox map[string][]handItem
	}
}

type handItem struct {
	id, title, body string
	filed           time.Time
	unread          bool
}

func openHandMap(context.Context, string) (candidate, error) {
	h := &handMap{}
	for i := range h.shards {
		h.shards[i].inbox = map[string][]handItem{}
	}
	return h, nil
}

func (h *handMap) Send(_ context.Context, number int64, recipients int) error {
	item := handItem{id: strconv.FormatInt(number, 10), title: title, body: body, filed: time.Now(), unread: true}
	for r := range recipients {
		which := recipientNumber(number, r)
		user := recipientID(number, r)
		shard := &h.shards[which%int64(len(h.shards))]
		shard.Lock()
		shard.inbox[user] = append(shard.inbox[user], item)
		shard.Unlock()
	}
	return nil
}

func (h *handMap) Close() error { return nil }
