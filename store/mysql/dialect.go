package mysql

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/sqlstore"
)

// dialect is how MariaDB and MySQL say what the engine means, in what both
// understand: no RETURNING, no LATERAL, no aliases of inserted rows. Rows come
// as one JSON array. Statements on several rows are joins that begin with them,
// because a subquery would have each row of the table looked at and locked.
func dialect() *sqlstore.Dialect {
	d := &sqlstore.Dialect{
		Name:          "mysql",
		Migrations:    embedded,
		MigrateLock:   `SELECT GET_LOCK(` + lockName + `, 3600)`,
		MigrateUnlock: `SELECT RELEASE_LOCK(` + lockName + `)`,
		MigrateUndo:   `SELECT RELEASE_LOCK(` + lockName + `)`,

		Now: `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))`,

		Placeholder: func(int) string { return `?` },
		Positional:  true,
		Rows:        rows,
		Bind:        bind,
		Update:      update,
		Delete:      remove,
		ID:          func(id notify.ID) any { return raw(id) },
		NoID:        `X'00000000000000000000000000000000'`,

		ConflictNothing: conflictNothing,
		Inexact:         true, // it depends on the host's clientFoundRows
		Count:           count,

		UpsertPlan: `INSERT INTO {plan} (tenant, recipient, channel, next_cut, last_cut)
SELECT tenant, recipient, channel, next_cut, 0 FROM {rows tenant:text recipient:text channel:text next_cut:int}
ON DUPLICATE KEY UPDATE next_cut = CASE WHEN {plan}.next_cut = 0 THEN VALUES(next_cut) ELSE {plan}.next_cut END`,
		UpsertPause: `INSERT INTO {pause} (channel, account, reason, since, probe, delay) VALUES (?, ?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE reason = VALUES(reason), probe = VALUES(probe), delay = VALUES(delay)`,

		ClaimBuckets: claimBuckets,
		ClaimBucket:  claimBucket,
		ClaimExpired: claimExpired,

		Join:     `STRAIGHT_JOIN`,
		Probe:    sqlstore.LeftJoin,
		Key:      key,
		Share:    `LOCK IN SHARE MODE`,
		Lock:     func(string) string { return `FOR UPDATE` },
		Skip:     func(string) string { return `FOR UPDATE SKIP LOCKED` },
		Present:  present,
		Barrier:  `SELECT version FROM {schema} WHERE version = 1 FOR UPDATE`,
		Unqueued: `NOT EXISTS (SELECT 1 FROM {task} t WHERE t.notification = n.id)`,

		WriteTx: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		ReadTx:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},

		Savepoint: `SAVEPOINT notify`,
		Release:   `RELEASE SAVEPOINT notify`,
		Back:      `ROLLBACK TO SAVEPOINT notify`,

		EndsUnbounded: true,
		RolledBack:    rolledBack,
		Busy:          busy,
		Duplicate:     duplicate,
		Hint:          hint,
	}
	d.Inspect = func(ctx context.Context, db *sql.DB) error { return inspect(ctx, db, d) }
	return d
}

// lockName is of the tables in their database: locks are of the whole server. On
// some servers a database has several names, which differ in case.
const lockName = `MD5(CONCAT(LOWER(DATABASE()), '.{schema}'))`

// rows is json_table with a column for each element. An id comes as the digits
// of its bytes.
func rows(columns []sqlstore.Column, parameter func() string) string {
	kinds := map[string]string{
		"text": `VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
		"long": `LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
		"id":   `VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
		"int":  `BIGINT`,
	}
	values, paths := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		values[i] = `j.` + c.Name
		if c.Kind == "id" {
			values[i] = `UNHEX(j.` + c.Name + `) AS ` + c.Name
		}
		paths[i] = fmt.Sprintf(`%s %s PATH '$[%d]'`, c.Name, kinds[c.Kind], i)
	}
	return `(SELECT ` + strings.Join(values, `, `) + ` FROM JSON_TABLE(` + parameter() + `, '$[*]' COLUMNS (` + strings.Join(paths, `, `) + `)) j) r`
}

func bind(columns []sqlstore.Column, rows [][]any) []any {
	digits := make([][]any, len(rows))
	for i, row := range rows {
		digits[i] = make([]any, len(row))
		for j, value := range row {
			if id, ok := value.(notify.ID); ok {
				value = hex.EncodeToString(raw(id))
			}
			digits[i][j] = value
		}
	}
	return sqlstore.BindJSON(columns, digits)
}

// raw is the bytes of an id.
func raw(id notify.ID) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(sqlstore.UUID(id), `-`, ``))
	if err != nil {
		panic(err) // a UUID is of digits
	}
	return b
}

func update(table string, columns []sqlstore.Column, rows func() string) (head, those string) {
	return `UPDATE ` + rows() + ` STRAIGHT_JOIN ` + table + key(table, ""), `WHERE ` + sqlstore.Joined(table, columns)
}

func remove(table string, columns []sqlstore.Column, rows func() string) string {
	return `DELETE ` + table + ` FROM ` + rows() + ` STRAIGHT_JOIN ` + table + key(table, "") + ` WHERE ` + sqlstore.Joined(table, columns)
}

// key has the rows of a table found by its key, or by another index: a small table would rather be
// read as a whole, and each row that is looked at be locked, or waited for.
func key(table, index string) string {
	if index == `` && strings.HasSuffix(table, `item`) {
		index = `notification`
	}
	if index == `` {
		return ` FORCE INDEX (PRIMARY)`
	}
	return ` FORCE INDEX (` + table + `_` + index + `)`
}

func conflictNothing(table, column string) string {
	return `ON DUPLICATE KEY UPDATE ` + column + ` = ` + table + `.` + column
}

// count looks for one beyond the limit first, because it cannot end a count: a
// subquery of a subquery cannot refer to what is outside.
func count(items string, condition, limit func() string) string {
	return `COALESCE((SELECT ` + limit() + ` FROM ` + items + ` i WHERE ` + condition() + ` LIMIT 1 OFFSET ` + limit() + `),
(SELECT COUNT(*) FROM ` + items + ` i WHERE ` + condition() + `))`
}

// present also holds on to a row for as long as the transaction lasts, for the
// barrier to wait for. That row is read first, because it is found by its key.
const present = `SELECT t.hash FROM {schema} s STRAIGHT_JOIN {rows id:text} STRAIGHT_JOIN {tombstone} t
WHERE s.version = 1 AND t.hash = r.id LOCK IN SHARE MODE`

// compound makes one statement of several, and thus one round trip. MySQL has no
// such statements. An error would leave the transaction open on a connection of
// the pool, so that it is rolled back there.
func compound(d *sqlstore.Dialect) {
	d.AcceptAtOnce, d.AcceptCommits = acceptAtOnce, true
	d.DeferAtOnce = deferAtOnce
	d.SettleAtOnce = settleAtOnce
}

// acceptAtOnce files as present does: whoever erases waits for the row that is
// read first. A notification that is not there by its id was not new.
const acceptAtOnce = `BEGIN NOT ATOMIC
DECLARE us BIGINT DEFAULT {now 1};
DECLARE erased MEDIUMTEXT;
DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
START TRANSACTION;
INSERT INTO {notification} (id, tenant, provider, dedup, fingerprint, entity, accepted, withdrawn, expires, content, data, audience, recipients)
SELECT r.id, r.tenant, r.provider, r.dedup, r.fingerprint, r.entity, us, 0, r.expires, r.content, r.data, r.audience, r.recipients
FROM {rows 2 id:id tenant:text provider:text dedup:text fingerprint:text entity:text accepted:int expires:int content:long data:long audience:text recipients:long}
{nothing notification id};
SELECT COALESCE(GROUP_CONCAT(t.hash SEPARATOR ' '), '') INTO erased FROM {schema} s STRAIGHT_JOIN {rows 3 id:text} STRAIGHT_JOIN {tombstone} t
WHERE s.version = 1 AND t.hash = r.id LOCK IN SHARE MODE;
INSERT INTO {item} (tenant, recipient, filed, id, notification, provider, slot, seen, read_at, archived, snoozed, repeats)
SELECT r.tenant, r.recipient, us, r.notification, r.notification, r.provider, NULL, 0, 0, 0, 0, 0
FROM {rows 4 notification:id tenant:text recipient:text provider:text hash:text} STRAIGHT_JOIN {notification} n {key notification} ON n.id = r.notification
LEFT JOIN {tombstone} t ON t.hash = r.hash WHERE t.hash IS NULL;
INSERT INTO {task} (queue, id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences,
filed, due, leased_until, epoch, attempts, accepted, unknown, progress, cut, cut_from, reason, error)
SELECT r.queue, r.id, r.kind, r.tenant, r.recipient, r.notification, r.provider, r.channel, r.lane, r.bucket, r.forced, r.preferences,
us, GREATEST(us + r.wait, r.not_before), CASE WHEN r.lease > 0 THEN us + r.lease ELSE 0 END, CASE WHEN r.lease > 0 THEN 1 ELSE 0 END, 0, '', 0, '', 0, 0, '', ''
FROM {rows 5 queue:int id:id kind:text tenant:text recipient:text notification:id provider:text channel:text lane:int bucket:int forced:int preferences:int
wait:int not_before:int lease:int hash:text} STRAIGHT_JOIN {notification} n {key notification} ON n.id = r.notification
LEFT JOIN {tombstone} t ON t.hash = r.hash WHERE t.hash IS NULL;
COMMIT;
SELECT n.id, us, erased FROM {rows 6 id:id} STRAIGHT_JOIN {notification} n {key notification} ON n.id = r.id;
END`

// deferAtOnce undoes nothing where a deadlock has undone all, savepoint included.
const deferAtOnce = `BEGIN NOT ATOMIC
DECLARE us BIGINT DEFAULT {now 1};
DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
  DECLARE CONTINUE HANDLER FOR 1305 BEGIN END;
  ROLLBACK TO SAVEPOINT notify;
  RESIGNAL;
END;
SAVEPOINT notify;
INSERT INTO {notification} (id, tenant, provider, dedup, fingerprint, entity, accepted, withdrawn, expires, content, data, audience, recipients)
VALUES (?2, ?3, ?4, ?5, ?6, ?7, us, 0, ?9, ?10, ?11, ?12, ?13);
INSERT INTO {task} (queue, id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences,
filed, due, leased_until, epoch, attempts, accepted, unknown, progress, cut, cut_from, reason, error)
VALUES (0, ?14, 'fanout', ?3, '', ?2, ?4, ?15, ?16, ?17, 0, 0, us, GREATEST(us, ?18), 0, 0, 0, '', 0, '', 0, 0, '', '');
RELEASE SAVEPOINT notify;
END`

// settleAtOnce holds on to the row that whoever erases waits for, and then looks
// for tombstones. The tasks are locked in the order of the rows.
const settleAtOnce = `BEGIN NOT ATOMIC
DECLARE us BIGINT DEFAULT {now 1};
DECLARE held, ends, hard INT;
DECLARE places MEDIUMTEXT;
DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
START TRANSACTION;
SELECT version INTO hard FROM {schema} WHERE version = 1 LOCK IN SHARE MODE;
SELECT COUNT(*), COALESCE(SUM(r.final), 0), COALESCE(SUM(r.final = 1 AND (t.kind <> 'delivery' OR e.hash IS NOT NULL)), 0), COALESCE(GROUP_CONCAT(r.place SEPARATOR ' '), '')
INTO held, ends, hard, places
FROM {rows 2 place:int task:id lease:int final:int} STRAIGHT_JOIN {task} t {key task} ON t.id = r.task
LEFT JOIN {tombstone} e ON e.hash = SHA2(CONCAT('recipient', CHAR(0 USING utf8mb4), t.tenant, CHAR(0 USING utf8mb4), t.recipient), 256)
WHERE ` + heldTask + ` FOR UPDATE;
IF hard > 0 THEN
  ROLLBACK;
  SET held = -1;
ELSE
  IF ends > 0 THEN
    INSERT INTO {delivery} (filed, id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences, epoch, attempts,
accepted, unknown, cut, cut_from, status, reason, error, settled)
SELECT t.filed, t.id, t.kind, t.tenant, t.recipient, t.notification, t.provider, t.channel, t.lane, t.bucket, t.forced, t.preferences, t.epoch, t.attempts + r.charge,
r.done, t.unknown, t.cut, t.cut_from, r.status, r.why, COALESCE(r.failure, t.error), us
FROM {rows 2 place:int task:id lease:int final:int status:text doubt:int retry:int charge:int done:long why:long failure:long}
STRAIGHT_JOIN {task} t {key task} ON t.id = r.task WHERE ` + heldTask + ` AND r.final = 1;
    DELETE t FROM {rows 2 place:int task:id lease:int final:int} STRAIGHT_JOIN {task} t {key task} ON t.id = r.task WHERE ` + heldTask + ` AND r.final = 1;
  END IF;
  IF held > ends THEN
    UPDATE {rows 2 place:int task:id lease:int final:int status:text doubt:int retry:int charge:int done:long why:long failure:long}
STRAIGHT_JOIN {task} t {key task} ON t.id = r.task
SET t.leased_until = 0, t.due = CASE WHEN r.retry > 0 THEN us + r.retry ELSE t.due END, t.unknown = GREATEST(t.unknown, r.doubt),
t.attempts = t.attempts + r.charge, t.accepted = r.done, t.reason = r.why, t.error = COALESCE(r.failure, t.error)
WHERE ` + heldTask + ` AND r.final = 0;
  END IF;
  COMMIT;
END IF;
SELECT held, CASE WHEN held < ?3 THEN places ELSE '' END;
END`

const heldTask = `t.epoch = r.lease AND t.leased_until <> 0`

const columns = `id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences, filed, due, leased_until, epoch, attempts, accepted, unknown, progress, cut, cut_from, reason, error`

// The order of each SELECT that locks is that of the index, so that it locks no
// more than it returns.
const (
	// All columns of the index up to the bucket, so that it is skipped through.
	claimBuckets = `SELECT b.bucket FROM (SELECT DISTINCT queue, channel, lane, leased_until, bucket FROM {task} FORCE INDEX FOR GROUP BY ({prefix}task_ready)
WHERE queue = ? AND channel = ? AND lane = ? AND leased_until = 0) b`

	claimBucket = `(SELECT ` + columns + ` FROM {task}
WHERE bucket = ? AND queue = ? AND channel = ? AND lane = ? AND leased_until = 0 AND due <= ?
AND (? = 1 OR kind <> 'fanout' OR provider IN (SELECT id FROM {rows id:text}))
ORDER BY due LIMIT ? FOR UPDATE SKIP LOCKED)`

	claimExpired = expiredOf0 + ` UNION ALL ` + expiredOf1 + ` UNION ALL ` + expiredOf2
	expiredOf0   = expired + `lane = 0` + longest
	expiredOf1   = expired + `lane = 1` + longest
	expiredOf2   = expired + `lane = 2` + longest

	expired = `(SELECT ` + columns + ` FROM {task} WHERE queue = ?1 AND channel = ?2 AND `
	longest = ` AND leased_until > 0 AND leased_until <= ?3
AND (?4 = 1 OR kind <> 'fanout' OR provider IN (SELECT id FROM {rows 5 id:text}))
ORDER BY leased_until LIMIT ?6 FOR UPDATE SKIP LOCKED)`
)
