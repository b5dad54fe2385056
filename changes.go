package notify

import (
	"hash/maphash"
	"sync/atomic"
)

// changes tells whether what was read a moment ago has been changed since by a
// call to this Notifier. What other processes change is seen when it is read
// again, within freshFor.
//
// A change is noted in one of a fixed number of places, so that it costs no
// memory however many there are. Two that meet in a place are not told apart:
// then something is read once more than it need be.
type changes struct {
	seed   maphash.Seed
	count  atomic.Uint64
	places [1024]atomic.Uint64 // the number of the last change there
}

// mark is what to remember before reading: the number of changes until then.
func (c *changes) mark() uint64 { return c.count.Load() }

// of notes a change of a recipient's items or preferences. It is called after
// the commit and before the caller knows of it: who reads later sees the change,
// who has read before finds it here.
func (c *changes) of(r Recipient) { c.note(maphash.Comparable(c.seed, r)) }

// ofNotification notes that a notification was withdrawn.
func (c *changes) ofNotification(id ID) { c.note(maphash.Comparable(c.seed, id)) }

func (c *changes) note(hash uint64) {
	number, place := c.count.Add(1), c.place(hash)
	for {
		last := place.Load()
		if last >= number || place.CompareAndSwap(last, number) {
			return
		}
	}
}

func (c *changes) place(hash uint64) *atomic.Uint64 { return &c.places[hash%uint64(len(c.places))] }

// since tells whether something that a delivery of the notification to r depends
// on may have changed since the mark.
func (c *changes) since(mark uint64, r Recipient, notification ID) bool {
	if c.count.Load() == mark {
		return false
	}
	return c.place(maphash.Comparable(c.seed, r)).Load() > mark ||
		c.place(maphash.Comparable(c.seed, notification)).Load() > mark
}
