// Package sqlstore is the one engine behind the SQL stores. It speaks
// database/sql and standard SQL; what databases say differently is in a
// [Dialect], a table of texts.
package sqlstore

import (
	"context"
	"database/sql"
	"io/fs"
	"strings"

	"github.com/bellwether-go/notify"
)

// Dialect is how one database says what the engine means. Its texts are written
// as those of the engine, see statement.go.
type Dialect struct {
	Name       string // of the package, for errors: "sqlite"
	Migrations fs.FS  // migrations/NNNN_name.sql

	// MigrateBegin, MigrateLock, MigrateUnlock and MigrateUndo enclose a run of
	// migrations, see [migrate.Plan].
	MigrateBegin, MigrateLock, MigrateUnlock, MigrateUndo string

	// Now is the database's clock in unix microseconds, an expression; empty is
	// the clock of the process.
	Now string

	// Placeholder is the n-th parameter, counted from 1. Positional ones have
	// no number, so that each serves once.
	Placeholder func(n int) string
	Positional  bool
	// Rows is an item of a FROM clause that yields the rows bound to it, with
	// the given columns; parameter is called once for each value that Bind
	// returns. The result ends with its alias.
	Rows func(columns []Column, parameter func() string) string
	// Row is in place of Rows where there is just one row, with a parameter for
	// each column; nil if that is no faster.
	Row func(columns []Column, parameter func() string) string
	// Bind makes parameters of rows.
	Bind func(columns []Column, rows [][]any) []any

	// Update and Delete begin a statement on those rows of a table that are
	// named by the key columns of bound rows r. Update goes on with SET, and
	// then with those, to which conditions can be added, as to all of Delete.
	Update func(table string, columns []Column, rows func() string) (head, those string)
	Delete func(table string, columns []Column, rows func() string) string
	// ID makes of an id what the database keeps; nil keeps the text. NoID is
	// the literal for the empty one.
	ID   func(notify.ID) any
	NoID string

	// ConflictNothing follows an INSERT that leaves existing rows alone; the
	// table has a column of that name.
	ConflictNothing func(table, column string) string
	// AcceptAtOnce, if it is not empty, stores notifications with their items and
	// tasks and returns the ids of those notifications whose key was not taken,
	// each with the instant and the hashes of those who are erased.
	// ?1 is the instant for {now}, and rows 2 to 6 are notifications, hashes of
	// recipients, items, tasks, and ids of notifications.
	AcceptAtOnce string
	// SettleAtOnce, if it is not empty, records outcomes and returns the places of
	// those whose lease was lost. ?1 is the instant as above, rows 2 are outcomes,
	// sorted by task, and ?3 is their number. If one of them ends anything but a
	// delivery, or one to a recipient who was erased, it writes nothing and
	// returns -1. SettleAndLearn does it with what attempts learnt about
	// addresses, in rows 4.
	SettleAtOnce, SettleAndLearn string
	// AcceptCommits says that AcceptAtOnce is a transaction by itself.
	AcceptCommits bool
	// DeferAtOnce, if it is not empty, stores one notification and its fan-out in
	// a transaction of the host, and undoes what it wrote if it fails. ?1 is the
	// instant for {now}, ?2 to ?13 are the notification, and ?14 to ?18 are id,
	// channel, lane, bucket and NotBefore of the task. Where the key is taken it
	// touches no row; a dialect that is Inexact gets none with a key.
	DeferAtOnce string
	// Inexact says that RowsAffected may count rows that were left alone.
	Inexact bool
	// Count is a subquery that counts the items i under a condition, and looks at
	// no more than a limit of them.
	Count func(items string, condition, limit func() string) string
	// UpsertPlan plans a cut for {rows tenant:text recipient:text channel:text
	// next_cut:int} where none is planned.
	UpsertPlan string
	// UpsertPause writes channel, account, reason, since, probe and delay; a
	// pause that is there keeps its since.
	UpsertPause string

	// ClaimAtOnce leases free tasks at the instant ?1 for ?2 microseconds, and
	// returns them as they were before, with their part, their turn within their
	// bucket, 0 if they were leased before, and how deep buckets were looked into:
	// whoever has a turn of that depth may have others behind it. The parts are
	// rows 7, of each of which there is one for each channel. If ?3 is 0, fan-outs
	// only of the providers 4; turns begin at the bucket ?5, and no more than ?6
	// were leased before.
	ClaimAtOnce string
	// Or else ClaimFirst and ClaimMore select free tasks, task columns first and then
	// their number within their bucket, of queue ?1, channel ?2 and lane ?3 that
	// are due at ?4: by turns over the buckets from ?8 on, up to ?7 of each and
	// ?9 in all. If ?5 is 0, fan-outs only of the providers ?6. ClaimFirst is
	// asked for one of each only.
	ClaimFirst, ClaimMore string
	// Or else ClaimBuckets selects the buckets in which the lane ?3 of queue ?1
	// and channel ?2 has free tasks, and ClaimBucket locks the free tasks of a
	// bucket: in parentheses, to be put after UNION ALL, with ? for bucket, queue,
	// channel, lane, instant, 1 for any provider, providers, and how many.
	ClaimBuckets, ClaimBucket string
	// ClaimExpired is in place of selectExpired, if it is not empty.
	ClaimExpired string
	// Refresh, if it is not empty, has plans made anew that were made while tables
	// were far smaller. It is run after a statement was slow, once a minute at most.
	Refresh string
	// OneWriter says that writers exclude one another: those of a process queue
	// for their turn, and looking for work first is cheaper than to begin.
	OneWriter bool

	// Join joins what follows to bound rows, beginning with these. It matters
	// where rows are locked as they are looked at: a SELECT that locks names
	// them by primary key, so that it waits for nobody else's.
	Join string
	// Probe joins those rows of a table, if any, that meet a condition on a key of
	// it, as LeftJoin does.
	Probe func(table, alias, condition string) string
	// Key, if it is not nil, follows a table whose rows are named by its key, or by
	// another index, so that no others are looked at.
	Key func(table, index string) string
	// Share locks the rows of a SELECT until the transaction ends, so that they
	// stay as they are; Lock does, of the table with the alias if there is one,
	// so that nobody else can lock them either; Skip leaves out those that are
	// locked already.
	Share      string
	Lock, Skip func(alias string) string
	// Present is in place of selectTombstones in a transaction that is to file,
	// and Barrier waits until all those have ended that may not have seen the
	// tombstones of now. Empty where writers exclude one another.
	Present, Barrier string
	// Unread and Done are conditions on items that are in two indexes: each is
	// in exactly one of them, and only a statement that names the condition
	// finds it there. Empty where one index has all.
	Unread, Done string
	// Unqueued is the condition that no task refers to the notification n.
	Unqueued string

	// Session is what a connection is set to before a write and set back from
	// after it.
	Session []Setting
	// Begin is the first statement of a write, formatted with the milliseconds
	// that its commit may wait.
	Begin string
	// WriteTx and ReadTx are the options of transactions; those of ReadTx give
	// all statements one snapshot.
	WriteTx, ReadTx *sql.TxOptions
	// EndsUnbounded says that the driver commits and rolls back without regard to a
	// context.
	EndsUnbounded bool
	// Savepoint, Release and Back enclose what is written inside a transaction
	// of the host, so that a failure leaves nothing of it.
	Savepoint, Release, Back string

	// RolledBack, if it is not nil, tells an error with which the database has
	// rolled back all of a transaction, so that there is no savepoint any more.
	RolledBack func(error) bool

	// Inspect, if it is not nil, looks at the server before anything is prepared,
	// and may change what was said above.
	Inspect func(ctx context.Context, db *sql.DB) error

	// Busy tells an error after which the whole transaction can be run again,
	// because nothing of it was written. Duplicate tells that a row exists that
	// another transaction may just have made.
	Busy, Duplicate func(error) bool
	// Hint adds what a host can do about an error, or returns "".
	Hint func(error) string
}

// Setting is a setting of a connection.
type Setting struct {
	Read  string // selects its value
	Write string // sets it, formatted with the value
	Want  int
	// AtLeast says that more than Want is as good.
	AtLeast bool
}

// met tells whether the value need not be changed.
func (s Setting) met(value int) bool { return value == s.Want || s.AtLeast && value > s.Want }

// Column is a column of bound rows.
type Column struct {
	Name string
	Kind string // text (of an identifier), long (of any length), id, or int (of 64 bits)
	Key  string // the column of a table that it is compared with; "" for none
}

// Joined is the condition that rows r name a row of the table.
func Joined(table string, columns []Column) string {
	var equal []string
	for _, c := range columns {
		if c.Key != "" {
			equal = append(equal, table+`.`+c.Key+` = r.`+c.Name)
		}
	}
	return strings.Join(equal, ` AND `)
}

// LeftJoin is a [Dialect].Probe for planners that need not be told how.
func LeftJoin(table, alias, condition string) string {
	return `LEFT JOIN ` + table + ` ` + alias + ` ON ` + condition
}
