package sqlstore

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/migrate"
)

// dollars is a dialect with numbered parameters, marks one with positional ones.
// Both bind a parameter for each column of rows.
var (
	dollars = testDialect(func(n int) string { return fmt.Sprintf("$%d", n) })
	marks   = testDialect(func(int) string { return "?" })
)

func testDialect(placeholder func(n int) string) *Dialect {
	return &Dialect{
		Placeholder: placeholder,
		Positional:  placeholder(1) == placeholder(2),
		Rows: func(columns []Column, parameter func() string) string {
			var parameters []string
			for range columns {
				parameters = append(parameters, parameter())
			}
			return "unnest(" + strings.Join(parameters, ", ") + ") r"
		},
		Bind: func(columns []Column, rows [][]any) []any {
			bound := make([]any, len(columns))
			for i := range columns {
				var values []any
				for _, row := range rows {
					values = append(values, row[i])
				}
				bound[i] = values
			}
			return bound
		},
		Update: func(table string, columns []Column, rows func() string) (string, string) {
			return "UPDATE " + table, "FROM " + rows() + " WHERE " + Joined("t", columns)
		},
		Delete: func(table string, columns []Column, rows func() string) string {
			return "DELETE FROM " + table + " USING " + rows() + " WHERE " + Joined("t", columns)
		},
		ConflictNothing: func(table, column string) string { return "DO NOTHING " + table + "." + column },
		Count: func(items string, condition, limit func() string) string {
			return "COUNT(" + items + " WHERE " + condition() + " LIMIT " + limit() + ")"
		},
		Probe: LeftJoin,
		Now:   "clock()",
		NoID:  "''",
		Lock:  func(alias string) string { return "FOR UPDATE" + alias },
	}
}

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ name, text, numbered, positional string }{
		{"tables", "SELECT 1 FROM {item} i, {task}", "SELECT 1 FROM s.n_item i, s.n_task", "SELECT 1 FROM s.n_item i, s.n_task"},
		{"bare names", "CREATE INDEX {prefix}item_slot ON {item}", "CREATE INDEX n_item_slot ON s.n_item", "CREATE INDEX n_item_slot ON s.n_item"},
		{"parameters in order", "a = ? AND b = ?", "a = $1 AND b = $2", "a = ? AND b = ?"},
		{"those not used get no number", "a = ?3 AND b = ?1 AND c = ?3", "a = $1 AND b = $2 AND c = $1", "a = ? AND b = ? AND c = ?"},
		{"rows between", "a = ? AND b IN {rows id:text n:int} AND c = ?", "a = $1 AND b IN unnest($2, $3) r AND c = $4", "a = ? AND b IN unnest(?, ?) r AND c = ?"},
		{"rows at a number", "a = ?1 AND b IN {rows 3 id:text n:int} AND c = ?2", "a = $1 AND b IN unnest($2, $3) r AND c = $4", "a = ? AND b IN unnest(?, ?) r AND c = ?"},
		{"update", "{update item 2 a:text +b:int} SET c = ?1, b = r.b {those} AND d = 1", "UPDATE s.n_item SET c = $3, b = r.b FROM unnest($1, $2) r WHERE t.a = r.a AND d = 1", ""},
		{"update by a key of another name", "{update item a=c:text} SET a = 1 {those}", "UPDATE s.n_item SET a = 1 FROM unnest($1) r WHERE t.a = r.c", ""},
		{"probe", "SELECT 1 {probe item i i.a = r.a}", "SELECT 1 LEFT JOIN s.n_item i ON i.a = r.a", "SELECT 1 LEFT JOIN s.n_item i ON i.a = r.a"},
		{"count", "SELECT {count 2 a = ?1}, {count 2 a = ?1}", "SELECT COUNT(s.n_item WHERE a = $1 LIMIT $2), COUNT(s.n_item WHERE a = $1 LIMIT $2)", "SELECT COUNT(s.n_item WHERE a = ? LIMIT ?), COUNT(s.n_item WHERE a = ? LIMIT ?)"},
		{"the instant", "a <= {now} AND b = ? AND c <= {now 1}", "a <= (SELECT COALESCE($1, clock())) AND b = $2 AND c <= (SELECT COALESCE($1, clock()))", "a <= (SELECT COALESCE(?, clock())) AND b = ? AND c <= (SELECT COALESCE(?, clock()))"},
		{"delete", "{delete item a:text b:int} AND d = 1", "DELETE FROM s.n_item USING unnest($1, $2) r WHERE t.a = r.a AND t.b = r.b AND d = 1", ""},
		{"texts of the dialect", "INSERT {nothing item a} SELECT {share} {none} {locked i}", "INSERT DO NOTHING s.n_item.a SELECT  '' FOR UPDATEi", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names := migrate.Names{Qualifier: "s.", Prefix: "n_"}
			assert.Equal(t, tt.numbered, dollars.translate(tt.text, names).text)
			if tt.positional != "" {
				assert.Equal(t, tt.positional, marks.translate(tt.text, names).text)
			}
		})
	}
}

func TestBind_followsTheParameters(t *testing.T) {
	text := "a = ?2 AND b IN {rows 3 id:text n:int} AND c = ?2"
	args := []any{"unused", "x", rowset{{"one", 1}, {"two", 2}}}
	for _, tt := range []struct {
		dialect *Dialect
		want    []any
	}{
		{dollars, []any{"x", []any{"one", "two"}, []any{1, 2}}},
		{marks, []any{"x", []any{"one", "two"}, []any{1, 2}, "x"}},
	} {
		s := newStore(nil, tt.dialect, Config{})
		assert.Equal(t, tt.want, s.bind(s.statement(text), args))
	}
}

func TestID_readsBackHoweverItIsKept(t *testing.T) {
	const id = "0197f3a2-0000-7000-8000-00000000abcd"
	raw := []byte("\x01\x97\xf3\xa2\x00\x00\x70\x00\x80\x00\x00\x00\x00\x00\xab\xcd")
	for _, tt := range []struct {
		kept any
		want notify.ID
	}{{id, id}, {[]byte(id), id}, {raw, id}, {"", ""}, {noID, ""}, {make([]byte, 16), ""}} {
		var got notify.ID
		require.NoError(t, scanID(&got).Scan(tt.kept))
		assert.Equal(t, tt.want, got)
	}
	assert.Error(t, scanID(new(notify.ID)).Scan(int64(1)))
}

func TestUUID_whatIsNoneStandsForNothing(t *testing.T) {
	const id = "0197f3a2-0000-7000-8000-00000000abcd"
	assert.Equal(t, id, UUID(id))
	assert.Equal(t, noID, UUID(""))
	for _, other := range []notify.ID{"x", "0197F3A2-0000-7000-8000-00000000ABCD", "0197f3a200007000800000000000abcd", "'; DROP TABLE item; --", "0197f3a2-0000-7000-8000-00000000abc\x00"} {
		assert.Equal(t, nobody, UUID(other), other)
	}
}

func TestBindJSON_keepsEveryByte(t *testing.T) {
	awkward := "quote \" backslash \\ newline \n nul \x00 emoji 🔔 é e\u0301 del \x7f < & >"
	bound := BindJSON(nil, rowset{{awkward, int64(1) << 62, true, nil}, {"", -1, false, "x"}})
	require.Len(t, bound, 1)
	var rows [][]any
	decoder := json.NewDecoder(strings.NewReader(bound[0].(string)))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&rows))
	assert.Equal(t, [][]any{
		{awkward, json.Number("4611686018427387904"), json.Number("1"), nil},
		{"", json.Number("-1"), json.Number("0"), "x"},
	}, rows)
	assert.Equal(t, "[[\"\xff\"]]", BindJSON(nil, rowset{{"\xff"}})[0], "what is not UTF-8 stays")
}

func TestShortened_cutsBetweenCharacters(t *testing.T) {
	assert.Equal(t, "short", shortened("short"))
	cut := shortened(strings.Repeat("é", longestError))
	assert.LessOrEqual(t, len(cut), longestError)
	assert.Equal(t, strings.Repeat("é", longestError/2), cut)
	assert.Equal(t, strings.Repeat("é", longestError/2-1), strings.TrimPrefix(shortened("x"+strings.Repeat("é", longestError)), "x"))
}

// One row is bound as parameters of their own where the dialect can do that,
// more as whatever it makes of many.
func TestForm_oneRow(t *testing.T) {
	s := &Store{d: &Dialect{Row: func([]Column, func() string) string { return "" }}}
	one, two := rowset{{"a"}}, rowset{{"a"}, {"b"}}
	for _, text := range []string{"{rows a:text}", "{update item a:text}", "{delete item a:text}"} {
		assert.Equal(t, text+oneRow, s.form(text, []any{1, one}))
		assert.Equal(t, text, s.form(text, []any{one, two}))
		assert.Equal(t, text, s.form(text, []any{1, "y"}), "nothing is bound")
		assert.Equal(t, text, s.form(text, []any{rowset{}}))
	}
	assert.Equal(t, "json_each(?)", s.form("json_each(?)", []any{one}), "read by the text itself")
	s.d.Row = nil
	assert.Equal(t, "{rows a:text}", s.form("{rows a:text}", []any{one}))
}
