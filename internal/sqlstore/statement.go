package sqlstore

import (
	"database/sql"
	"strconv"
	"strings"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/migrate"
)

// A statement is written with ? for the next argument, or ?2 for the second
// one, and with forms in braces:
//
//	{item}                        the table
//	{rows a:text b:int}           bound rows r with those columns, one argument
//	{delete item a:text}          DELETE the rows of the table that have the
//	                              columns of a bound row
//	{update item a:text +b:int}   UPDATE them; what follows a + is no key but a
//	... {those}                   value r.b; the WHERE, to which AND can be added;
//	                              a=c:text is the key a, called r.c
//	{locked} {locked i}           lock the rows, of the table with that alias
//	{skip} {skip i}               the same, without those that others hold
//	{key task} {key item slot}    has the rows of the table found by their key,
//	                              or by another index
//	{now}                         the instant of the next argument, or, if that is
//	                              NULL, by the database's clock
//	{probe item i i.a = r.a}      left join of the rows, few or none, that a key finds
//	{join} {share} {none} {unqueued}  see [Dialect]
//	{nothing item a}              an INSERT leaves existing rows alone
//	{count 2 a = ?}               how many items i, up to the second argument
//	{anywhere}                    items in whichever index
//	{newest}                      those of r.tenant and r.recipient, as i, of
//	                              which the newest is asked for
//
// As for ?, a number can be the first thing in now and rows, or the second in
// delete and update: {now 1}, {rows 2 a:text}, {update item 2 a:text}.
type statement struct {
	text     string
	columns  map[int][]Column // of its bound rows, by argument
	params   []param          // in the order in which they are bound
	one      bool             // bound rows are one row each, a parameter for each column
	prepared *sql.Stmt        // nil: not prepared
}

// param is what a parameter of the database gets: an argument, or of bound rows
// a part.
type param struct{ arg, part int }

// statement translates a text once.
func (s *Store) statement(text string) *statement {
	if st, ok := s.statements.Load(text); ok {
		return st.(*statement)
	}
	st, _ := s.statements.LoadOrStore(text, s.d.translate(text, s.names))
	return st.(*statement)
}

// translation is a text on its way to a statement.
type translation struct {
	*Dialect
	names   migrate.Names
	one     bool // row, of what is bound
	st      *statement
	next    int           // argument
	numbers map[param]int // of those that can be used twice
	those   string        // ends the update that is being written
}

// oneRow at the end of a text says that its bound rows are one row each.
const oneRow = "\x00one"

// form is the text of a statement for its arguments. A text of the dialect may
// read what it is bound by itself, and knows of one form only.
func (s *Store) form(text string, args []any) string {
	if s.d.Row == nil || !strings.Contains(text, "{rows ") && !strings.Contains(text, "{update ") && !strings.Contains(text, "{delete ") {
		return text
	}
	bound := false
	for _, arg := range args {
		if rows, ok := arg.(rowset); ok {
			if len(rows) != 1 {
				return text
			}
			bound = true
		}
	}
	if bound {
		text += oneRow
	}
	return text
}

func (d *Dialect) translate(text string, names migrate.Names) *statement {
	text, one := strings.CutSuffix(text, oneRow)
	t := &translation{Dialect: d, names: names, one: one, st: &statement{columns: map[int][]Column{}}, numbers: map[param]int{}}
	t.st.text, t.st.one = t.write(text), one
	return t.st
}

func (t *translation) write(text string) string {
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, "?{")
		if i < 0 {
			break
		}
		b.WriteString(text[:i])
		text = text[i:]
		if text[0] == '?' {
			rest := strings.TrimLeft(text[1:], "0123456789")
			b.WriteString(t.parameter(param{arg: t.argument(text[1 : len(text)-len(rest)])}))
			text = rest
			continue
		}
		end := strings.IndexByte(text, '}') + 1
		b.WriteString(t.form(text[1:end-1], text[:end]))
		text = text[end:]
	}
	b.WriteString(text)
	return b.String()
}

// argument is the place of an argument, given by its number or the next one.
func (t *translation) argument(number string) int {
	if n, err := strconv.Atoi(number); err == nil {
		return n - 1
	}
	t.next++
	return t.next - 1
}

// parameter writes a parameter. Where they have numbers, one serves each use.
func (t *translation) parameter(p param) string {
	n, known := t.numbers[p]
	if !known || t.Positional {
		t.st.params = append(t.st.params, p)
		n = len(t.st.params)
		t.numbers[p] = n
	}
	return t.Placeholder(n)
}

// form writes what stands in braces.
func (t *translation) form(inner, whole string) string {
	word, rest, _ := strings.Cut(inner, " ")
	switch word {
	case "rows":
		return t.rows(t.bound(rest))
	case "delete", "update":
		table, rest, _ := strings.Cut(rest, " ")
		table = t.names.Table(table)
		arg, columns := t.bound(rest)
		if word == "delete" {
			return t.Delete(table, columns, func() string { return t.rows(arg, columns) })
		}
		head, those := t.Update(table, columns, func() string { return t.rows(arg, columns) })
		t.those = those
		return head
	case "those":
		return t.those
	case "none":
		return t.NoID
	case "anywhere":
		if t.Done == "" {
			return "1 = 1"
		}
		return "(" + t.Unread + " OR " + t.Done + ")"
	case "newest":
		return t.newest()
	case "unqueued":
		return t.names.Fill(t.Unqueued)
	case "nothing":
		table, column, _ := strings.Cut(rest, " ")
		return t.ConflictNothing(t.names.Table(table), column)
	case "count":
		limit, condition, _ := strings.Cut(rest, " ")
		return t.Count(t.names.Table("item"), func() string { return t.write(condition) }, func() string { return t.write("?" + limit) })
	case "now":
		return t.instant(rest)
	case "probe":
		table, rest, _ := strings.Cut(rest, " ")
		alias, condition, _ := strings.Cut(rest, " ")
		return t.Probe(t.names.Table(table), alias, condition)
	case "join":
		return t.Join
	case "key":
		if t.Key == nil {
			return ""
		}
		table, index, _ := strings.Cut(rest, " ")
		return t.Key(t.names.Table(table), index)
	case "share":
		return t.Share
	case "locked":
		return t.Lock(rest)
	case "skip":
		return t.Skip(rest)
	}
	return t.names.Fill(whole)
}

// instant is a subquery where the clock is the database's, so that it is read
// once and not for each row.
func (t *translation) instant(number string) string {
	given := t.parameter(param{arg: t.argument(number)})
	if t.Now == "" {
		return given
	}
	return `(SELECT COALESCE(` + given + `, ` + t.Now + `))`
}

// newest selects the items of a recipient, or of each index the newest.
func (t *translation) newest() string {
	table := t.names.Table("item")
	const of = ` i WHERE i.tenant = r.tenant AND i.recipient = r.recipient`
	if t.Done == "" {
		return table + of
	}
	first := func(part string) string {
		return `(SELECT i.filed, i.id FROM ` + table + of + ` AND ` + part + ` ORDER BY i.filed DESC, i.id DESC LIMIT 1)`
	}
	return `(` + first(t.Unread) + ` UNION ALL ` + first(t.Done) + `) i`
}

// bound reads "2 id:text epoch:int", the 2 being left out for the next argument.
func (t *translation) bound(form string) (arg int, columns []Column) {
	fields := strings.Fields(form)
	number := ""
	if _, err := strconv.Atoi(fields[0]); err == nil {
		number, fields = fields[0], fields[1:]
	}
	for _, field := range fields {
		name, kind, _ := strings.Cut(field, ":")
		column := Column{Name: name, Kind: kind, Key: name}
		if value, ok := strings.CutPrefix(name, "+"); ok {
			column.Name, column.Key = value, ""
		} else if key, name, ok := strings.Cut(name, "="); ok {
			column.Name, column.Key = name, key
		}
		columns = append(columns, column)
	}
	arg = t.argument(number)
	t.st.columns[arg] = columns
	return arg, columns
}

func (t *translation) rows(arg int, columns []Column) string {
	part := -1
	write := t.Rows
	if t.one {
		write = t.Row
	}
	return write(columns, func() string {
		part++
		return t.parameter(param{arg, part})
	})
}

// rowset is rows to be bound to a statement.
type rowset [][]any

// strs and idRows are rowsets of one column.
func strs(values []string) rowset      { return column(values) }
func idRows(values []notify.ID) rowset { return column(values) }

func column[T any](values []T) rowset {
	rows := make(rowset, len(values))
	for i, v := range values {
		rows[i] = []any{v}
	}
	return rows
}

// bind makes what the database's parameters get of the arguments.
func (s *Store) bind(st *statement, args []any) []any {
	parts := make([][]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case rowset:
			if st.one {
				parts[i] = s.values(v[0])
			} else {
				parts[i] = s.d.Bind(st.columns[i], v)
			}
		case notify.ID:
			parts[i] = []any{s.d.id(v)}
		default:
			parts[i] = args[i : i+1]
		}
	}
	bound := make([]any, len(st.params))
	for i, p := range st.params {
		bound[i] = parts[p.arg][p.part]
	}
	return bound
}

// values are the values of a row as parameters.
func (s *Store) values(row []any) []any {
	bound := make([]any, len(row))
	for i, value := range row {
		if id, ok := value.(notify.ID); ok {
			value = s.d.id(id)
		}
		bound[i] = value
	}
	return bound
}
