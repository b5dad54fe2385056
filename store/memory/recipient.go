package memory

import (
	"crypto/sha256"

	"github.com/bellwether-go/notify"
)

// recipient is all that is kept about one recipient.
type recipient struct {
	id     notify.Recipient
	erased bool

	order     ordered[*item]      // by filing
	collapsed map[notify.ID]*item // those that hold another notification than their first
	holders   map[collapseKey]*item

	// The tallies spare a count from looking at every item. Only tally
	// changes them.
	unread  int // neither read nor archived
	unseen  int // neither seen nor archived
	snoozed map[*item]struct{}

	preferences   notify.Preferences
	optOuts       []notify.OptOut
	plans         map[string]*plan // by channel
	registrations []*registration  // oldest first
	deliveries    ordered[*task]   // by filing
}

// admit returns the recipient, making it if need be, and nil for one that was
// erased.
func (s *Store) admit(id notify.Recipient) *recipient {
	r := s.recipients[id]
	if r == nil {
		if s.hasTombstone(id) {
			return nil
		}
		r = &recipient{
			id:         id,
			order:      ordered[*item]{compare: compareItems},
			deliveries: ordered[*task]{compare: compareFiled},
		}
		s.recipients[id] = r
	}
	if r.erased {
		return nil
	}
	return r
}

func (s *Store) hasTombstone(id notify.Recipient) bool {
	if len(s.tombstones) == 0 {
		return false
	}
	_, erased := s.tombstones[tombstone(id)]
	return erased
}

// tombstone is all that is remembered of an erased recipient.
func tombstone(id notify.Recipient) [sha256.Size]byte {
	return sha256.Sum256([]byte(id.Tenant + "\x00" + id.ID))
}

// leave drops an erased recipient once the last task of it is gone.
func (s *Store) leave(r *recipient) {
	if r.erased && r.deliveries.length == 0 {
		delete(s.recipients, r.id)
	}
}
