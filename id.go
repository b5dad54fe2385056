package notify

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync/atomic"
	"time"
)

// idSource makes UUIDs of version 7 that never go back within a process, even
// when its clock does.
type idSource struct {
	last atomic.Int64 // milliseconds << 12 | a twelfth-bit fraction or counter
}

func (s *idSource) next() ID {
	now := time.Now()
	stamp := now.UnixMilli()<<12 | int64(now.Nanosecond()%1e6)<<12/1e6
	for {
		last := s.last.Load()
		if stamp <= last {
			stamp = last + 1
		}
		if s.last.CompareAndSwap(last, stamp) {
			break
		}
	}
	var b [16]byte
	_, _ = rand.Read(b[8:]) // documented never to fail
	milli := uint64(stamp) >> 12
	for i := range 6 {
		b[i] = byte(milli >> (40 - 8*i))
	}
	b[6] = 0x70 | byte(stamp>>8)&0x0f
	b[7] = byte(stamp)
	b[8] = 0x80 | b[8]&0x3f
	return formatID(b)
}

func formatID(b [16]byte) ID {
	var text [36]byte
	hex.Encode(text[0:8], b[0:4])
	text[8] = '-'
	hex.Encode(text[9:13], b[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], b[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], b[8:10])
	text[23] = '-'
	hex.Encode(text[24:36], b[10:16])
	return ID(text[:])
}

// Identity names this delivery to this address: 32 hexadecimal digits, the same
// for every retry. Channels derive from it whatever lets a peer drop a
// duplicate: a Message-ID, a Topic, a collapse id, a webhook id.
func (d Delivery) Identity() string { return addressIdentity(d.ID, d.Address) }

func addressIdentity(delivery ID, a Address) string {
	text := make([]byte, 0, 256) // on the stack, for most addresses
	for _, part := range []string{string(delivery), a.Channel, a.Value} {
		text = append(append(text, part...), 0)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
