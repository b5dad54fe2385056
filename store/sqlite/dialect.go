package sqlite

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/bellwether-go/notify/internal/sqlstore"
)

// dialect is how SQLite says what the engine means. Rows come as one JSON
// array. A transaction begins deferred and takes the write lock with its first
// statement, before it has read anything, which is what BEGIN IMMEDIATE does:
// so no snapshot can be out of date, and statements prepared on the pool serve.
// Waiting for the lock is left to the engine, whose waits end with the context.
func dialect() *sqlstore.Dialect {
	return &sqlstore.Dialect{
		Name:          "sqlite",
		Migrations:    embedded,
		MigrateBegin:  `BEGIN IMMEDIATE`,
		MigrateUnlock: `COMMIT`,
		MigrateUndo:   `ROLLBACK`,

		Placeholder:     func(n int) string { return fmt.Sprintf("?%d", n) },
		Rows:            rows,
		Row:             oneRow,
		Bind:            sqlstore.BindJSON,
		Update:          update,
		Delete:          remove,
		NoID:            `''`,
		ConflictNothing: func(string, string) string { return `ON CONFLICT DO NOTHING` },
		Count:           count,

		UpsertPlan: `INSERT INTO {plan} (tenant, recipient, channel, next_cut, last_cut)
SELECT tenant, recipient, channel, next_cut, 0 FROM {rows tenant:text recipient:text channel:text next_cut:int} WHERE 1 = 1
ON CONFLICT DO UPDATE SET next_cut = excluded.next_cut WHERE next_cut = 0`,
		UpsertPause: `INSERT INTO {pause} (channel, account, reason, since, probe, delay) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET reason = excluded.reason, probe = excluded.probe, delay = excluded.delay`,

		ClaimFirst: claimFirst,
		ClaimMore:  claimMore,
		OneWriter:  true,

		Session: []sqlstore.Setting{
			{Read: `PRAGMA busy_timeout`, Write: `PRAGMA busy_timeout = %d`, Want: 0},
			{Read: `PRAGMA synchronous`, Write: `PRAGMA synchronous = %d`, Want: full, AtLeast: true},
		},
		Join:      `CROSS JOIN`,
		Probe:     sqlstore.LeftJoin,
		Lock:      none,
		Skip:      none,
		Unqueued:  `n.id NOT IN (SELECT notification FROM {task})`,
		Begin:     `DELETE FROM {schema} WHERE 0; PRAGMA busy_timeout = %d`,
		ReadTx:    &sql.TxOptions{ReadOnly: true},
		Savepoint: `SAVEPOINT notify`,
		Release:   `RELEASE notify`,
		Back:      `ROLLBACK TO notify`,

		Busy: busy,
		Hint: hint,
	}
}

// rows is json_each with a column for each element.
func rows(columns []sqlstore.Column, parameter func() string) string {
	var b strings.Builder
	b.WriteString(`(SELECT `)
	for i, c := range columns {
		if i > 0 {
			b.WriteString(`, `)
		}
		fmt.Fprintf(&b, `json_extract(value, '$[%d]') AS %s`, i, c.Name)
	}
	fmt.Fprintf(&b, ` FROM json_each(%s)) r`, parameter())
	return b.String()
}

// oneRow has a parameter for each column: a third of the work of JSON.
func oneRow(columns []sqlstore.Column, parameter func() string) string {
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = parameter() + ` AS ` + c.Name
	}
	return `(SELECT ` + strings.Join(values, `, `) + `) r`
}

// update and remove name rows by those of json_each.
func update(table string, columns []sqlstore.Column, rows func() string) (head, those string) {
	if slices.ContainsFunc(columns, func(c sqlstore.Column) bool { return c.Key == `` }) {
		return `UPDATE ` + table, `FROM ` + rows() + ` WHERE ` + sqlstore.Joined(table, columns)
	}
	return `UPDATE ` + table, `WHERE ` + named(columns, rows)
}

func remove(table string, columns []sqlstore.Column, rows func() string) string {
	return `DELETE FROM ` + table + ` WHERE ` + named(columns, rows)
}

func named(columns []sqlstore.Column, rows func() string) string {
	var keys, names []string
	for _, c := range columns {
		if c.Key != `` {
			keys, names = append(keys, c.Key), append(names, c.Name)
		}
	}
	return `(` + strings.Join(keys, `, `) + `) IN (SELECT ` + strings.Join(names, `, `) + ` FROM ` + rows() + `)`
}

// count looks at no more rows than it needs.
func count(items string, condition, limit func() string) string {
	return `(SELECT COUNT(*) FROM (SELECT 1 FROM ` + items + ` i WHERE ` + condition() + ` LIMIT ` + limit() + `) u)`
}

// none is nothing to be said.
func none(string) string { return "" }

// ring goes through the buckets that have free rows, from ?8 around, by seeking
// the next one each time. 256 is past the last one.
const ring = `WITH RECURSIVE ring(bucket, around) AS (
SELECT COALESCE((SELECT MIN(t.bucket) FROM {task} t WHERE t.leased_until = 0 AND t.queue = ?1 AND t.channel = ?2 AND t.lane = ?3 AND t.bucket >= ?8), 256), 0
UNION ALL
SELECT COALESCE((SELECT MIN(t.bucket) FROM {task} t WHERE t.leased_until = 0 AND t.queue = ?1 AND t.channel = ?2 AND t.lane = ?3
AND t.bucket > CASE ring.bucket WHEN 256 THEN -1 ELSE ring.bucket END
AND t.bucket < CASE WHEN ring.bucket = 256 OR ring.around = 1 THEN ?8 ELSE 256 END), 256),
CASE ring.bucket WHEN 256 THEN 1 ELSE ring.around END
FROM ring WHERE ring.bucket < 256 OR ring.around = 0)
`

// free selects the free rows of the bucket that the ring is at.
const free = `SELECT b.rowid FROM {task} b
WHERE b.leased_until = 0 AND b.queue = ?1 AND b.channel = ?2 AND b.lane = ?3 AND b.bucket = ring.bucket AND b.due <= ?4
AND (?5 = 1 OR b.kind <> 'fanout' OR b.provider IN (SELECT json_extract(value, '$[0]') FROM json_each(?6)))
ORDER BY b.due LIMIT ?7`

const claimed = `SELECT t.id, t.kind, t.tenant, t.recipient, t.notification, t.provider, t.channel, t.lane, t.bucket, t.forced, t.preferences, t.filed, t.due,
t.leased_until, t.epoch, t.attempts, t.accepted, t.unknown, t.progress, t.cut, t.cut_from, t.reason, t.error, `

// claimFirst needs no sorting, so that it ends as soon as it has enough.
const claimFirst = ring + claimed + `1 FROM ring CROSS JOIN {task} t ON t.rowid = (` + free + `) WHERE ring.bucket < 256 LIMIT ?9`

const claimMore = ring + claimed + `c.turn FROM (
SELECT f.rowid AS row, f.bucket, f.due, ROW_NUMBER() OVER (PARTITION BY f.bucket ORDER BY f.due, f.id) AS turn
FROM ring CROSS JOIN {task} f ON f.rowid IN (` + free + `) WHERE ring.bucket < 256
ORDER BY turn, (f.bucket - ?8 + 256) % 256, f.due LIMIT ?9
) c CROSS JOIN {task} t ON t.rowid = c.row
ORDER BY c.turn, (c.bucket - ?8 + 256) % 256, c.due`
