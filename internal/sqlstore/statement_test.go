package sqlstore

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dollars is a dialect with numbered parameters, one for each column of rows.
var dollars = &Dialect{
	Placeholder: func(n int) string { return fmt.Sprintf("$%d", n) },
	Rows: func(columns []Column, parameter func() string) string {
		var parameters []string
		for range columns {
			parameters = append(parameters, parameter())
		}
		return "unnest(" + strings.Join(parameters, ", ") + ") r"
	},
	ConflictNothing: "DO NOTHING",
	Update:          "FOR UPDATE",
}

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"tables", "SELECT 1 FROM {item} i, {task}", "SELECT 1 FROM n_item i, n_task"},
		{"parameters in order", "a = ? AND b = ?", "a = $1 AND b = $2"},
		{"numbered ones", "a = ?2 AND b = ?1 AND c = ?2", "a = $2 AND b = $1 AND c = $2"},
		{"rows between", "a = ? AND b IN {rows id:text n:int} AND c = ?", "a = $1 AND b IN unnest($2, $3) r AND c = $4"},
		{"rows at a number", "a = ?1 AND b IN {rows 3 id:text n:int} AND c = ?2", "a = $1 AND b IN unnest($3, $4) r AND c = $2"},
		{"texts of the dialect", "INSERT {nothing} SELECT {share} {update}", "INSERT DO NOTHING SELECT  FOR UPDATE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, dollars.translate(tt.text, "n_").text)
		})
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
