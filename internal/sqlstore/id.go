package sqlstore

import (
	"encoding/hex"
	"fmt"

	"github.com/bellwether-go/notify"
)

// Ids are texts to the engine; a database may keep the 16 bytes that they stand
// for, see [Dialect].ID. There the empty id, of what has no notification or no
// digest, is sixteen zeros.

const (
	noID    = "00000000-0000-0000-0000-000000000000"
	nobody  = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	idBytes = 16
)

// UUID is the text of an id as a UUID. One that is none stands for nothing: it
// becomes the UUID that nothing has.
func UUID(id notify.ID) string {
	if id == "" {
		return noID
	}
	if !isUUID(string(id)) {
		return nobody
	}
	return string(id)
}

// id is an id as the database keeps it.
func (d *Dialect) id(id notify.ID) any {
	if d.ID == nil {
		return string(id)
	}
	return d.ID(id)
}

// isUUID tells whether the text is one in its canonical form, in lower case.
func isUUID(text string) bool {
	if len(text) != len(noID) {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if dash := noID[i] == '-'; dash && c != '-' || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// idScanner reads an id, however the database keeps it.
type idScanner struct{ id *notify.ID }

func scanID(id *notify.ID) idScanner { return idScanner{id} }

// Scan implements [database/sql.Scanner].
func (s idScanner) Scan(value any) error {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("an id is a text, not a %T", value)
	}
	if len(text) == idBytes {
		digits := hex.EncodeToString([]byte(text))
		text = digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
	}
	if text == noID {
		text = ""
	}
	*s.id = notify.ID(text)
	return nil
}
