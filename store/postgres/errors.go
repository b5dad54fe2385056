package postgres

import (
	"errors"
	"slices"
)

// Error codes of PostgreSQL that mean something to us.
const (
	codeSerialization = "40001" // serialization_failure
	codeDeadlock      = "40P01" // deadlock_detected
	codeUnique        = "23505" // unique_violation
	codeNoTable       = "42P01" // undefined_table
	codeNoSchema      = "3F000" // invalid_schema_name
	codeNoDatabase    = "3D000" // invalid_catalog_name
	codeForbidden     = "42501" // insufficient_privilege
	codeReadOnly      = "25006" // read_only_sql_transaction
	codeDiskFull      = "53100" // disk_full
	codeConnections   = "53300" // too_many_connections
	codeAborted       = "25P02" // in_failed_sql_transaction
	codeNoStatement   = "26000" // invalid_sql_statement_name
	codeSameStatement = "42P05" // duplicate_prepared_statement
	codeProtocol      = "08P01" // protocol_violation: the statement of that name is another's
)

// code finds the code in an error of the host's driver: pgx and lib/pq have
// this method.
func code(err error) string {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return e.SQLState()
	}
	return ""
}

// busy tells whether the server gave the transaction up for another. It has
// told so itself, so that nothing of it was written.
func busy(err error) bool {
	return slices.Contains([]string{codeSerialization, codeDeadlock}, code(err))
}

func duplicate(err error) bool { return code(err) == codeUnique }

// hint says what a host can do about an error.
func hint(err error) string {
	switch code(err) {
	case codeNoTable:
		return "run postgres.Migrate with the same options first"
	case codeNoSchema:
		return "create the schema that Options.Schema names, then run postgres.Migrate"
	case codeForbidden:
		return "grant the role of this connection SELECT, INSERT, UPDATE and DELETE on the tables and USAGE of their schema; to migrate it needs CREATE on the schema"
	case codeNoDatabase:
		return "there is no such database on the server: look at the DSN"
	case codeReadOnly:
		return "the server, the session or the transaction is read-only: connect to the primary, or begin it to write"
	case codeDiskFull:
		return "the disk of the server is full"
	case codeConnections:
		return "the server has no connection left: lower SetMaxOpenConns"
	case codeAborted:
		return "an earlier statement of the transaction has failed: roll it back"
	case codeNoStatement, codeSameStatement, codeProtocol:
		return "a pooler between here and the server does not keep prepared statements: set Options.Unprepared"
	}
	return ""
}
