package sqlite

import (
	"errors"
	"reflect"
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

// code finds the result code in an error of the host's driver. modernc's and
// ncruces' tell it by a method, each with a type of its own, and mattn's in a
// field. The extended one is looked for first.
func code(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, each := range joined.Unwrap() {
				if n := code(each); n != 0 {
					return n
				}
			}
			return 0
		}
		v := reflect.ValueOf(err)
		for _, method := range []reflect.Value{v.MethodByName("ExtendedCode"), v.MethodByName("Code")} {
			if method.IsValid() && method.Type().NumIn() == 0 && method.Type().NumOut() == 1 {
				return number(method.Call(nil)[0])
			}
		}
		if v = reflect.Indirect(v); v.Kind() != reflect.Struct {
			continue
		}
		for _, field := range []reflect.Value{v.FieldByName("ExtendedCode"), v.FieldByName("Code")} {
			if field.IsValid() && number(field) != 0 {
				return number(field)
			}
		}
	}
	return 0
}

// number is an integer of whatever size; 0 for all else.
func number(v reflect.Value) int {
	switch {
	case v.CanInt():
		return int(v.Int())
	case v.CanUint():
		return int(v.Uint())
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
