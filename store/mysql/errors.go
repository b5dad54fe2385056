package mysql

import (
	"errors"
	"reflect"
)

// Error numbers of MariaDB and MySQL that mean something to us.
const (
	numberChanged     = 1020 // ER_CHECKREAD: of a snapshot that is out of date
	numberFull        = 1021 // ER_DISK_FULL
	numberConnections = 1040 // ER_CON_COUNT_ERROR
	numberNoRights    = 1044 // ER_DBACCESS_DENIED_ERROR
	numberNoChoice    = 1046 // ER_NO_DB_ERROR
	numberNoDatabase  = 1049 // ER_BAD_DB_ERROR
	numberDuplicate   = 1062 // ER_DUP_ENTRY
	numberFileFull    = 1114 // ER_RECORD_FILE_FULL
	numberForbidden   = 1142 // ER_TABLEACCESS_DENIED_ERROR
	numberNoTable     = 1146 // ER_NO_SUCH_TABLE
	numberPacket      = 1153 // ER_NET_PACKET_TOO_LARGE
	numberWait        = 1205 // ER_LOCK_WAIT_TIMEOUT
	numberDeadlock    = 1213 // ER_LOCK_DEADLOCK
	numberReadOnly    = 1290 // ER_OPTION_PREVENTS_STATEMENT: read_only
	numberStatements  = 1461 // ER_MAX_PREPARED_STMT_COUNT_REACHED
	numberReadOnlyTx  = 1792 // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: of the session
	numberReadOnlyAll = 1836 // ER_READ_ONLY_MODE: innodb_read_only
)

// number finds the number in an error of the host's driver, which has it in a
// field: go-sql-driver's *MySQLError does.
func number(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, each := range joined.Unwrap() {
				if n := number(each); n != 0 {
					return n
				}
			}
			return 0
		}
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		if field := v.FieldByName("Number"); field.IsValid() && field.CanUint() {
			return int(field.Uint())
		}
	}
	return 0
}

// busy tells whether the server gave the statement up for another transaction.
// It has told so itself, and the engine rolls back: nothing was written.
func busy(err error) bool {
	switch number(err) {
	case numberWait, numberDeadlock, numberChanged:
		return true
	}
	return false
}

// rolledBack tells whether the server has ended the transaction. What is executed
// on its connection from then on is committed by itself.
func rolledBack(err error) bool { return number(err) == numberDeadlock }

func duplicate(err error) bool { return number(err) == numberDuplicate }

// hint says what a host can do about an error.
func hint(err error) string {
	switch number(err) {
	case numberNoTable:
		return "run mysql.Migrate with the same options first"
	case numberForbidden, numberNoRights:
		return "grant the user of this connection SELECT, INSERT, UPDATE and DELETE on the tables; to migrate it needs CREATE, ALTER and INDEX as well"
	case numberNoDatabase:
		return "there is no such database on the server: look at the DSN"
	case numberNoChoice:
		return "the connection is to no database: name one in the DSN"
	case numberReadOnly, numberReadOnlyTx, numberReadOnlyAll:
		return "the server, the session or the transaction is read-only: connect to the primary, or begin it to write"
	case numberStatements:
		return "the server keeps no more prepared statements: raise max_prepared_stmt_count, or lower SetMaxOpenConns"
	case numberFull, numberFileFull:
		return "the disk of the server is full"
	case numberConnections:
		return "the server has no connection left: lower SetMaxOpenConns"
	case numberPacket:
		return "raise max_allowed_packet"
	}
	return ""
}
