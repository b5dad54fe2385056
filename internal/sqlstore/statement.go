package sqlstore

import (
	"database/sql"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bellwether-go/notify/internal/migrate"
)

// A statement is written with ? for a parameter (all of them numbered, as in
// ?1 and {rows 2 ...}, where one is used twice), {name} for a table, and
// {rows a:text b:int} for bound rows r with those columns, which take one
// argument of type rowset. {nothing}, {share} and {update} stand for the texts
// of the dialect.
type statement struct {
	text     string
	columns  [][]Column // of its bound rows
	prepared *sql.Stmt  // nil: not prepared
}

var rowsForm = regexp.MustCompile(`\{rows ([^}]*)\}`)

// statement translates a text once.
func (s *Store) statement(text string) *statement {
	if st, ok := s.statements.Load(text); ok {
		return st.(*statement)
	}
	st, _ := s.statements.LoadOrStore(text, s.d.translate(text, s.prefix))
	return st.(*statement)
}

func (d *Dialect) translate(text, prefix string) *statement {
	st := &statement{}
	n := 0
	parameter := func() string {
		n++
		return d.Placeholder(n)
	}
	text = strings.NewReplacer("{nothing}", d.ConflictNothing, "{share}", d.Share, "{update}", d.Update).Replace(text)
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, "?{")
		if i < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:i])
		text = text[i:]
		if text[0] == '?' {
			digits := len(text) - len(strings.TrimLeft(text[1:], "0123456789")) - 1
			if number, err := strconv.Atoi(text[1 : 1+digits]); err == nil {
				b.WriteString(d.Placeholder(number))
			} else {
				b.WriteString(parameter())
			}
			text = text[1+digits:]
			continue
		}
		end := strings.IndexByte(text, '}') + 1
		if match := rowsForm.FindStringSubmatch(text[:end]); match != nil {
			first, form, numbered := strings.Cut(match[1], " ")
			if number, err := strconv.Atoi(first); err == nil && numbered {
				n, match[1] = number-1, form
			}
			columns := parseColumns(match[1])
			st.columns = append(st.columns, columns)
			b.WriteString(d.Rows(columns, parameter))
		} else {
			b.WriteString(migrate.Tables(text[:end], prefix))
		}
		text = text[end:]
	}
	st.text = b.String()
	return st
}

// parseColumns reads "id:text epoch:int".
func parseColumns(form string) []Column {
	var columns []Column
	for _, field := range strings.Fields(form) {
		name, kind, _ := strings.Cut(field, ":")
		columns = append(columns, Column{Name: name, Text: kind == "text"})
	}
	return columns
}

// rowset is rows to be bound to a statement.
type rowset [][]any

// strs is a rowset of one column.
func strs[T ~string](values []T) rowset {
	rows := make(rowset, len(values))
	for i, v := range values {
		rows[i] = []any{string(v)}
	}
	return rows
}

// bind replaces rowsets among the arguments by what the dialect makes of them.
func (s *Store) bind(st *statement, args []any) []any {
	if !slices.ContainsFunc(args, isRowset) {
		return args
	}
	bound := make([]any, 0, len(args)+8)
	n := 0
	for _, arg := range args {
		rows, ok := arg.(rowset)
		if !ok {
			bound = append(bound, arg)
			continue
		}
		columns := []Column{{Name: "id", Text: true}}
		if n < len(st.columns) {
			columns = st.columns[n]
		}
		n++
		bound = append(bound, s.d.Bind(columns, rows)...)
	}
	return bound
}

func isRowset(arg any) bool {
	_, ok := arg.(rowset)
	return ok
}
