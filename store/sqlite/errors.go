package sqlite

import (
	"errors"
	"strings"
)

// Result codes of SQLite that mean something to us.
const (
	codeBusy         = 5   // SQLITE_BUSY and, in the low byte, what extends it
	codeLocked       = 6   // SQLITE_LOCKED: within a shared cache
	codeReadOnly     = 8   // SQLITE_READONLY
	codeFull         = 13  // SQLITE_FULL
	codeBusySnapshot = 517 // SQLITE_BUSY_SNAPSHOT: a read transaction cannot become a write one
)

// code finds the result code in an error of the host's driver: those that
// database/sql knows for SQLite each have one of these methods.
func code(err error) int {
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return e.Code()
	}
	return 0
}

// busy tells whether another connection was in the way. Nothing was written
// then, also if it was a commit that failed.
func busy(err error) bool {
	primary := code(err) & 0xff
	return primary == codeBusy || primary == codeLocked
}

// hint says what a host can do about an error.
func hint(err error) string {
	switch {
	case code(err) == codeBusySnapshot:
		return "the transaction has read before it wrote, and another has written since: begin it immediate (_txlock=immediate)"
	case busy(err):
		return "another connection holds the database"
	case code(err)&0xff == codeReadOnly:
		return "the file or the connection is read-only"
	case code(err)&0xff == codeFull:
		return "the disk is full"
	case strings.Contains(err.Error(), "no such table"): // which has no code of its own
		return "run sqlite.Migrate with the same options first"
	}
	return ""
}
