package postgres

import (
	"strconv"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/sqlstore"
)

// bind makes an array literal of each column of the rows.
func bind(columns []sqlstore.Column, rows [][]any) []any {
	bound := make([]any, len(columns))
	for i := range columns {
		bound[i] = array(rows, i)
	}
	return bound
}

// array writes {"a","b",NULL}, or {1,2}, of one column.
func array(rows [][]any, column int) string {
	b := make([]byte, 0, 40*len(rows)+2)
	b = append(b, '{')
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := row[column].(type) {
		case string:
			b = appendElement(b, v)
		case notify.ID:
			b = append(b, sqlstore.UUID(v)...)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case bool:
			b = strconv.AppendInt(b, int64(flag(v)), 10)
		default:
			b = append(b, "NULL"...)
		}
	}
	return string(append(b, '}'))
}

// appendElement quotes a text, so that nothing in it ends it or is NULL.
func appendElement(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		if c := text[i]; c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return append(b, '"')
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
