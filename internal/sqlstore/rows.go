package sqlstore

import (
	"strconv"

	"github.com/bellwether-go/notify"
)

// BindJSON is a [Dialect].Bind that makes one parameter: a JSON array of
// arrays. Values are string, int64, int, bool or nil. Bytes that are not UTF-8
// stay as they are.
func BindJSON(_ []Column, rows [][]any) []any {
	b := make([]byte, 0, 64*len(rows)+2)
	b = append(b, '[')
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, value := range row {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, value)
		}
		b = append(b, ']')
	}
	b = append(b, ']')
	return []any{string(b)}
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendText(b, v)
	case notify.ID:
		return appendText(b, string(v))
	case int64:
		return strconv.AppendInt(b, v, 10)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case bool:
		return strconv.AppendInt(b, int64(flag(v)), 10)
	}
	return append(b, "null"...)
}

// appendText appends a JSON string. Package encoding/json would replace what is
// not UTF-8.
func appendText(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, text[start:i]...)
		if c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			b = append(b, '\\', c)
		}
		start = i + 1
	}
	b = append(b, text[start:]...)
	return append(b, '"')
}

// flag is a bool as it is stored.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
