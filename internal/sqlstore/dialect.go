// Package sqlstore is the one engine behind the SQL stores. It speaks
// database/sql and standard SQL; what databases say differently is in a
// [Dialect], a table of texts.
package sqlstore

import (
	"database/sql"
	"io/fs"
)

// Dialect is how one database says what the engine means. Texts name tables as
// {item}, which becomes the prefix followed by item.
type Dialect struct {
	Name       string // of the package, for errors: "sqlite"
	Migrations fs.FS  // NNNN_name.sql in its root

	// MigrateLock, MigrateUnlock and MigrateUndo enclose a run of migrations.
	MigrateLock, MigrateUnlock, MigrateUndo string

	// Now selects the database's clock in unix microseconds; empty is the
	// clock of the process.
	Now string

	// Placeholder is the n-th parameter, counted from 1.
	Placeholder func(n int) string
	// Rows is an item of a FROM clause that yields the rows bound to it, with
	// the given columns; parameter is called once for each value that Bind
	// returns. The result ends with its alias.
	Rows func(columns []Column, parameter func() string) string
	// Bind makes parameters of rows.
	Bind func(columns []Column, rows [][]any) []any

	// ConflictNothing follows an INSERT that leaves existing rows alone.
	ConflictNothing string
	// UpsertPlan plans a cut for {rows tenant:text recipient:text channel:text
	// next_cut:int} where none is planned.
	UpsertPlan string
	// UpsertPause writes channel, account, reason, since, probe and delay; a
	// pause that is there keeps its since.
	UpsertPause string

	// ClaimFirst and ClaimMore select free tasks, task columns first and then
	// their number within their bucket, of queue ?1, channel ?2 and lane ?3 that
	// are due at ?4: by turns over the buckets from ?8 on, up to ?7 of each and
	// ?9 in all. If ?5 is 0, fan-outs only of the providers ?6. ClaimFirst is
	// asked for one of each only.
	ClaimFirst, ClaimMore string
	// OneWriter says that writers exclude one another: those of a process queue
	// for their turn, and looking for work first is cheaper than to begin.
	OneWriter bool

	// Share and Update lock the rows of a SELECT until the transaction ends.
	Share, Update string

	// Session is what a connection is set to before a write and set back from
	// after it.
	Session []Setting
	// Lock is the first statement of a write, formatted with the milliseconds
	// that its commit may wait.
	Lock string
	// WriteTx and ReadTx are the options of transactions; those of ReadTx give
	// all statements one snapshot.
	WriteTx, ReadTx *sql.TxOptions
	// Savepoint, Release and Back enclose what is written inside a transaction
	// of the host, so that a failure leaves nothing of it.
	Savepoint, Release, Back string

	// Busy tells an error after which the whole transaction can be run again,
	// because nothing of it was written.
	Busy func(error) bool
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
	Text bool // else a 64-bit integer
}
