package notify

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A cursor is opaque to hosts: version, a hash of whose inbox it is of, the
// instant and the id. It keeps nobody out, for every call is scoped by its
// recipient; it keeps a mix-up from going unnoticed.
const (
	cursorVersion = 1
	cursorLength  = 1 + 8 + 8 + 36
)

func encodeCursor(r Recipient, p Position) string {
	if p.ID == "" {
		return ""
	}
	b := make([]byte, 0, cursorLength)
	b = append(b, cursorVersion)
	b = append(b, cursorOwner(r)...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Filed.UnixMicro()))
	b = append(b, p.ID...)
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeCursor(field string, r Recipient, cursor string) (Position, error) {
	if cursor == "" {
		return Position{}, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) != cursorLength || b[0] != cursorVersion {
		return Position{}, invalid(field, "not a cursor")
	}
	if string(b[1:9]) != string(cursorOwner(r)) {
		return Position{}, invalid(field, "a cursor of another inbox")
	}
	id := ID(b[17:])
	if !id.wellFormed() {
		return Position{}, invalid(field, "not a cursor")
	}
	return Position{Filed: time.UnixMicro(int64(binary.BigEndian.Uint64(b[9:17]))).UTC(), ID: id}, nil
}

func cursorOwner(r Recipient) []byte {
	sum := sha256.Sum256([]byte(r.Tenant + "\x00" + r.ID))
	return sum[:8]
}

// wellFormed tells whether an id can be one of ours.
func (id ID) wellFormed() bool {
	if len(id) != 36 {
		return false
	}
	for i, c := range []byte(id) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
