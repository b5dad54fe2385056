package postgres

import (
	"database/sql"
	"strconv"
	"strings"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/sqlstore"
)

// dialect is how PostgreSQL says what the engine means. Rows come as one array
// for each column, written as a literal, which every driver takes as a text.
func dialect() *sqlstore.Dialect {
	return &sqlstore.Dialect{
		Name:          "postgres",
		Migrations:    embedded,
		MigrateBegin:  `BEGIN ISOLATION LEVEL READ COMMITTED`,
		MigrateLock:   `SELECT COUNT(pg_advisory_xact_lock(hashtextextended('{schema}', 7266)))`,
		MigrateUnlock: `COMMIT`,
		MigrateUndo:   `ROLLBACK`,

		Now: `(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint`,

		Placeholder: func(n int) string { return `$` + strconv.Itoa(n) },
		Rows:        rows,
		Bind:        bind,
		Update:      update,
		Delete:      remove,
		ID:          func(id notify.ID) any { return sqlstore.UUID(id) },
		NoID:        `'00000000-0000-0000-0000-000000000000'`,

		ConflictNothing: func(string, string) string { return `ON CONFLICT DO NOTHING` },
		Count:           count,
		AcceptAtOnce:    acceptAtOnce,
		SettleAtOnce:    settle + settled,
		SettleAndLearn:  settle + learn + settled,
		DeferAtOnce:     deferAtOnce,
		UpsertPlan: `INSERT INTO {plan} AS p (tenant, recipient, channel, next_cut, last_cut)
SELECT tenant, recipient, channel, next_cut, 0 FROM {rows tenant:text recipient:text channel:text next_cut:int}
ON CONFLICT (tenant, recipient, channel) DO UPDATE SET next_cut = excluded.next_cut WHERE p.next_cut = 0`,
		UpsertPause: `INSERT INTO {pause} (channel, account, reason, since, probe, delay) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (channel, account) DO UPDATE SET reason = excluded.reason, probe = excluded.probe, delay = excluded.delay`,

		ClaimAtOnce: claimAtOnce,
		Refresh:     refresh,

		Join:     `JOIN`,
		Probe:    probe,
		Share:    `FOR SHARE`,
		Lock:     func(alias string) string { return lock(alias, ``) },
		Skip:     func(alias string) string { return lock(alias, ` SKIP LOCKED`) },
		Present:  `SELECT hash FROM {tombstone} WHERE hash IN (SELECT id FROM {rows id:text}) FOR KEY SHARE`,
		Barrier:  barrier,
		Unread:   `read_at = 0 AND archived = 0`,
		Done:     `(read_at <> 0 OR archived <> 0)`,
		Unqueued: `NOT EXISTS (SELECT 1 FROM {task} t WHERE t.notification = n.id)`,

		WriteTx: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		ReadTx:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},

		Busy:      busy,
		Duplicate: duplicate,
		Hint:      hint,
	}
}

// rows is unnest with a name for each column. The subqueries hide how many rows
// there are, so that there is one plan for all: otherwise those of few rows are
// planned each time, which takes longer than to execute them.
func rows(columns []sqlstore.Column, parameter func() string) string {
	arrays, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		arrays[i], names[i] = `(SELECT `+parameter()+`::`+arrayTypes[c.Kind]+`)`, c.Name
	}
	return `unnest(` + strings.Join(arrays, `, `) + `) AS r(` + strings.Join(names, `, `) + `)`
}

var arrayTypes = map[string]string{"text": `text[]`, "long": `text[]`, "id": `uuid[]`, "int": `bigint[]`}

// update and remove join the rows.
func update(table string, columns []sqlstore.Column, rows func() string) (head, those string) {
	return `UPDATE ` + table, `FROM ` + rows() + ` WHERE ` + sqlstore.Joined(table, columns)
}

func remove(table string, columns []sqlstore.Column, rows func() string) string {
	return `DELETE FROM ` + table + ` USING ` + rows() + ` WHERE ` + sqlstore.Joined(table, columns)
}

// probe looks for each row by itself. Left to itself the planner prefers to read a
// table from end to end that was small when it looked.
func probe(table, alias, condition string) string {
	return `LEFT JOIN LATERAL (SELECT * FROM ` + table + ` ` + alias + ` WHERE ` + condition + ` OFFSET 0) ` + alias + ` ON TRUE`
}

// count looks at no more rows than it needs.
func count(items string, condition, limit func() string) string {
	return `(SELECT COUNT(*) FROM (SELECT 1 FROM ` + items + ` i WHERE ` + condition() + ` LIMIT ` + limit() + `) u)`
}

func lock(alias, how string) string {
	if alias != `` {
		alias = ` OF ` + alias
	}
	return `FOR UPDATE` + alias + how
}

// barrier waits for those who hold the lock on the table of tombstones that FOR
// KEY SHARE takes before it looks, and that ends with their transactions. Whoever
// comes later sees the tombstones, and need not wait.
const barrier = `DO $$
DECLARE earlier text[];
BEGIN
  SELECT array_agg(l.virtualtransaction) INTO earlier FROM pg_locks l
  WHERE l.locktype = 'relation' AND l.relation = '{tombstone}'::regclass AND l.mode = 'RowShareLock' AND l.pid <> pg_backend_pid();
  WHILE EXISTS (SELECT 1 FROM pg_locks l WHERE l.virtualtransaction = ANY (earlier) AND l.locktype = 'virtualxid') LOOP
    PERFORM pg_sleep(0.002);
  END LOOP;
END $$`

// refresh looks at those tables that have grown eightfold since autovacuum did.
// That makes all plans on them anew, in each process; until then, which can be a
// minute, a table that was all but empty is read from end to end.
const refresh = `DO $$
DECLARE grown regclass;
BEGIN
  FOR grown IN SELECT c.oid FROM pg_class c WHERE c.oid IN ('{task}'::regclass, '{item}'::regclass, '{notification}'::regclass)
  AND pg_relation_size(c.oid) / current_setting('block_size')::bigint > 8 * GREATEST(c.relpages, 1) LOOP
    EXECUTE 'ANALYZE ' || grown;
  END LOOP;
END $$`

// acceptAtOnce is one round trip and one transaction for a batch. Tombstones are
// looked at as in present, and only what belongs to a notification that is new
// is written.
const acceptAtOnce = `WITH clock AS MATERIALIZED (
SELECT {now 1} AS us
), n AS (
INSERT INTO {notification} (id, tenant, provider, dedup, fingerprint, entity, accepted, withdrawn, expires, content, data, audience, recipients)
SELECT r.id, r.tenant, r.provider, r.dedup, r.fingerprint, r.entity, c.us, 0, r.expires, r.content, r.data, r.audience, r.recipients
FROM clock c CROSS JOIN {rows 2 id:id tenant:text provider:text dedup:text fingerprint:text entity:text accepted:int expires:int content:long data:long audience:text recipients:long}
ON CONFLICT DO NOTHING RETURNING id
), erased AS MATERIALIZED (
SELECT hash FROM {tombstone} WHERE hash IN (SELECT id FROM {rows 3 id:text}) FOR KEY SHARE
), i AS (
INSERT INTO {item} (tenant, recipient, filed, id, notification, provider, slot, seen, read_at, archived, snoozed, repeats)
SELECT r.tenant, r.recipient, c.us, r.notification, r.notification, r.provider, NULL, 0, 0, 0, 0, 0
FROM clock c CROSS JOIN {rows 4 notification:id tenant:text recipient:text provider:text hash:text} JOIN n ON n.id = r.notification
WHERE r.hash NOT IN (SELECT hash FROM erased)
), t AS (
INSERT INTO {task} (queue, id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences,
filed, due, leased_until, epoch, attempts, accepted, unknown, progress, cut, cut_from, reason, error)
SELECT r.queue, r.id, r.kind, r.tenant, r.recipient, r.notification, r.provider, r.channel, r.lane, r.bucket, r.forced, r.preferences,
c.us, GREATEST(c.us + r.wait, r.not_before), CASE WHEN r.lease > 0 THEN c.us + r.lease ELSE 0 END, CASE WHEN r.lease > 0 THEN 1 ELSE 0 END, 0, '', 0, '', 0, 0, '', ''
FROM clock c CROSS JOIN {rows 5 queue:int id:id kind:text tenant:text recipient:text notification:id provider:text channel:text lane:int bucket:int forced:int preferences:int
wait:int not_before:int lease:int hash:text} JOIN n ON n.id = r.notification
WHERE r.hash NOT IN (SELECT hash FROM erased)
) SELECT n.id, c.us, (SELECT COALESCE(string_agg(hash, ' '), '') FROM erased) FROM n CROSS JOIN clock c`

// settle locks the tasks in the order of the rows, one by one by their key. It
// writes nothing if there is hard. The hash is that of the engine, and only made
// where anybody was erased.
const settle = `WITH clock AS MATERIALIZED (
SELECT {now 1} AS us
), held AS MATERIALIZED (
SELECT t.*, r.place, r.final, r.status, r.doubt, r.retry, r.charge, r.done, r.why, r.failure
FROM {rows 2 place:int task:id lease:int final:int status:text doubt:int retry:int charge:int done:long why:long failure:long}
CROSS JOIN LATERAL (SELECT * FROM {task} b WHERE b.id = r.task OFFSET 0 FOR UPDATE) t WHERE t.epoch = r.lease AND t.leased_until <> 0
), hard AS MATERIALIZED (
SELECT 1 FROM held h WHERE h.final = 1 AND (h.kind <> 'delivery' OR EXISTS (SELECT 1 FROM {tombstone}) AND EXISTS (SELECT 1 FROM {tombstone} e
WHERE e.hash = encode(sha256(decode('726563697069656e7400', 'hex') || convert_to(h.tenant, 'UTF8') || decode('00', 'hex') || convert_to(h.recipient, 'UTF8')), 'hex') FOR KEY SHARE))
), gone AS (
DELETE FROM {task} t USING held h WHERE t.id = h.id AND h.final = 1 AND NOT EXISTS (SELECT 1 FROM hard)
), back AS (
UPDATE {task} t SET leased_until = 0, due = CASE WHEN h.retry > 0 THEN c.us + h.retry ELSE h.due END, unknown = GREATEST(h.unknown, h.doubt),
attempts = h.attempts + h.charge, accepted = h.done, reason = h.why, error = COALESCE(h.failure, h.error)
FROM clock c CROSS JOIN held h WHERE t.id = h.id AND h.final = 0 AND NOT EXISTS (SELECT 1 FROM hard)
), log AS (
INSERT INTO {delivery} (filed, id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences, epoch, attempts,
accepted, unknown, cut, cut_from, status, reason, error, settled)
SELECT h.filed, h.id, h.kind, h.tenant, h.recipient, h.notification, h.provider, h.channel, h.lane, h.bucket, h.forced, h.preferences, h.epoch, h.attempts + h.charge,
h.done, h.unknown, h.cut, h.cut_from, h.status, h.why, COALESCE(h.failure, h.error), c.us
FROM clock c CROSS JOIN held h WHERE h.final = 1 AND NOT EXISTS (SELECT 1 FROM hard)
)`

// learn sums up what is told of an address, so that it is written once. One that
// is gone tells nothing else.
const learn = `, told AS (
SELECT r.registration, h.tenant, h.recipient, MAX(r.well) AS well, MAX(r.since) AS since,
(array_agg(r.failure ORDER BY r.place DESC) FILTER (WHERE r.failure IS NOT NULL))[1] AS failure
FROM {rows 4 place:int registration:id well:int since:int failure:long} JOIN held h ON h.place = r.place
WHERE NOT EXISTS (SELECT 1 FROM hard) GROUP BY r.registration, h.tenant, h.recipient ORDER BY r.registration
), known AS MATERIALIZED (
SELECT a.id, a.registered <= r.since AS gone, r.well, r.failure FROM told r CROSS JOIN LATERAL (
SELECT * FROM {address} b WHERE b.id = r.registration AND b.tenant = r.tenant AND b.recipient = r.recipient FOR UPDATE) a
), dropped AS (
DELETE FROM {address} a USING known k WHERE a.id = k.id AND k.gone
), noted AS (
UPDATE {address} a SET last_success = CASE k.well WHEN 1 THEN c.us ELSE a.last_success END, last_error = COALESCE(k.failure, a.last_error),
last_error_at = CASE WHEN k.failure IS NULL THEN a.last_error_at ELSE c.us END
FROM clock c CROSS JOIN known k WHERE a.id = k.id AND NOT k.gone
)`

// settled is how many tasks were held, or -1 if there is hard, and the places of
// those that were if not all were.
const settled = ` SELECT CASE WHEN EXISTS (SELECT 1 FROM hard) THEN -1 ELSE COUNT(*) END,
CASE WHEN COUNT(*) < ?3::bigint THEN COALESCE(string_agg(h.place::text, ' '), '') ELSE '' END FROM held h`

// deferAtOnce has a parameter for each column: for one row arrays would be more
// than half of the work.
const deferAtOnce = `WITH n AS (
INSERT INTO {notification} (id, tenant, provider, dedup, fingerprint, entity, accepted, withdrawn, expires, content, data, audience, recipients)
VALUES (?2, ?3, ?4, ?5, ?6, ?7, {now 1}, 0, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING RETURNING id, tenant, provider, accepted
) INSERT INTO {task} (queue, id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences,
filed, due, leased_until, epoch, attempts, accepted, unknown, progress, cut, cut_from, reason, error)
SELECT 0, ?14::uuid, 'fanout', n.tenant, '', n.id, n.provider, ?15::text, ?16::smallint, ?17::smallint, 0, 0,
n.accepted, GREATEST(n.accepted, ?18::bigint), 0, 0, 0, '', 0, '', 0, 0, '', '' FROM n`

// claimAtOnce collects the first tasks of each part, ranks them and leases those
// that there is room for. Of tasks whose lease expired, only those count against
// ?6 that there is room for, in the order of the parts. Where a lane may hold
// more than was looked at and there is room for it, those behind it have to wait.
// What is taken is asked for by a value, so that the planner expects few and has
// them leased by their key, however little it knows of the table.
const claimAtOnce = `WITH clock AS MATERIALIZED (
SELECT {now 1} AS us
), part AS MATERIALIZED (
SELECT * FROM {rows 7 part:int queue:int channel:text most:int urgent:int}
), lost AS MATERIALIZED (
SELECT r.part, r.most, r.urgent, x.*, 0::bigint AS turn, 1::bigint AS depth FROM part r CROSS JOIN LATERAL (
SELECT b.* FROM {task} b WHERE b.queue = r.queue AND b.channel = r.channel AND b.leased_until <> 0 AND b.leased_until <= (SELECT us FROM clock)` + allowed + `
ORDER BY b.lane, b.leased_until LIMIT LEAST(r.most + r.urgent, ?6::bigint) FOR UPDATE SKIP LOCKED) x
), free AS MATERIALIZED (
SELECT r.part, r.most, r.urgent, x.* FROM part r CROSS JOIN LATERAL (` + free + `) x
), stop AS MATERIALIZED (
SELECT l.part, MIN(l.lane) AS lane FROM (SELECT f.part, f.lane, f.most, f.urgent, bool_or(f.turn = f.depth) AS deep, SUM(COUNT(*)) OVER (PARTITION BY f.part ORDER BY f.lane) AS n
FROM free f GROUP BY f.part, f.lane, f.most, f.urgent) l WHERE l.deep AND l.n < CASE l.lane WHEN 0 THEN l.most + l.urgent ELSE l.most END GROUP BY l.part
), ranked AS (
SELECT f.*, ROW_NUMBER() OVER (PARTITION BY f.part ORDER BY f.lane, f.turn, f.around, f.due) AS place
FROM (SELECT *, 0 AS around FROM lost UNION ALL
SELECT *, (f.bucket - ?5 + 256) % 256 FROM free f WHERE f.lane <= COALESCE((SELECT s.lane FROM stop s WHERE s.part = f.part), 2)) f
), counted AS (
SELECT k.*, SUM(CASE WHEN k.turn = 0 AND ` + fits + ` THEN 1 ELSE 0 END) OVER (ORDER BY k.part, k.lane, k.turn, k.around, k.due ROWS UNBOUNDED PRECEDING) AS recovered
FROM ranked k
), cut AS (
SELECT k.*, k.turn = 0 AND NOT (k.recovered <= ?6::bigint AND ` + fits + `) AS out FROM counted k
), moved AS (
SELECT k.*, k.place - SUM(CASE WHEN k.out THEN 1 ELSE 0 END) OVER (PARTITION BY k.part ORDER BY k.lane, k.turn, k.around, k.due ROWS UNBOUNDED PRECEDING) AS room
FROM cut k
), taken AS MATERIALIZED (
SELECT k.* FROM moved k WHERE CASE WHEN k.out THEN 0 WHEN k.room <= k.most OR k.lane = 0 AND k.room <= k.most + k.urgent THEN 1 ELSE 0 END = 1
), leased AS (
UPDATE {task} t SET epoch = k.epoch + 1, unknown = CASE WHEN k.leased_until <> 0 THEN 1 ELSE k.unknown END, leased_until = c.us + ?2
FROM clock c CROSS JOIN taken k WHERE t.id = k.id
) SELECT k.id, k.kind, k.tenant, k.recipient, k.notification, k.provider, k.channel, k.lane, k.bucket, k.forced, k.preferences, k.filed, k.due,
k.leased_until, k.epoch, k.attempts, k.accepted, k.unknown, k.progress, k.cut, k.cut_from, k.reason, k.error, k.part, k.turn, k.depth FROM taken k ORDER BY k.part, k.place`

const (
	// allowed leaves out fan-outs of other providers.
	allowed = ` AND (?3 = 1 OR b.kind <> 'fanout' OR b.provider IN (SELECT id FROM {rows 4 id:text}))`

	// fits are those of a part that there is room for.
	fits = `(k.place <= k.most OR k.lane = 0 AND k.place <= k.most + k.urgent)`

	// free are the free tasks of a part, lane by lane, by turns over the buckets:
	// the first of each, and, if these are not enough, as many more of each as it
	// takes if all hold as many.
	free = `WITH heads AS MATERIALIZED (
SELECT h.* FROM (VALUES (0), (1), (2)) l(lane) CROSS JOIN LATERAL (` + ring + `
SELECT t.* FROM ring CROSS JOIN LATERAL (
SELECT b.* FROM {task} b WHERE ` + ofLane + ` AND b.bucket = ring.bucket AND b.due <= (SELECT us FROM clock)` + allowed + `
ORDER BY b.due LIMIT 1 FOR UPDATE SKIP LOCKED) t WHERE ring.bucket < 256) h LIMIT r.most + r.urgent
), size AS MATERIALIZED (
SELECT s.lane, (r.most + r.urgent - SUM(s.n) OVER (ORDER BY s.lane) + 2 * s.n - 1)::bigint / s.n AS depth FROM (SELECT lane, COUNT(*) AS n FROM heads GROUP BY lane) s
)
SELECT l.*, 1::bigint AS turn, s.depth FROM size s JOIN heads l ON l.lane = s.lane
UNION ALL
SELECT t.*, s.depth FROM size s JOIN heads l ON l.lane = s.lane CROSS JOIN LATERAL (SELECT m.*, 1 + ROW_NUMBER() OVER (ORDER BY m.due, m.id) AS turn FROM (
SELECT b.* FROM {task} b WHERE ` + ofLane + ` AND b.bucket = l.bucket AND b.id <> l.id AND b.due <= (SELECT us FROM clock)` + allowed + `
ORDER BY b.due LIMIT s.depth - 1 FOR UPDATE SKIP LOCKED) m) t WHERE s.depth > 1`

	// ring goes through the buckets that have free rows, from ?5 around, by seeking
	// the next one each time. 256 is past the last one.
	ring = `WITH RECURSIVE ring(bucket, around) AS (
SELECT COALESCE((SELECT MIN(b.bucket) FROM {task} b WHERE ` + ofLane + ` AND b.bucket >= ?5), 256), 0
UNION ALL
SELECT COALESCE((SELECT MIN(b.bucket) FROM {task} b WHERE ` + ofLane + `
AND b.bucket > CASE ring.bucket WHEN 256 THEN -1 ELSE ring.bucket END
AND b.bucket < CASE WHEN ring.bucket = 256 OR ring.around = 1 THEN ?5 ELSE 256 END), 256),
CASE ring.bucket WHEN 256 THEN 1 ELSE ring.around END
FROM ring WHERE ring.bucket < 256 OR ring.around = 0
)`

	ofLane = `b.leased_until = 0 AND b.queue = r.queue AND b.channel = r.channel AND b.lane = l.lane`
)
