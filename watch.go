package notify

import (
	"context"
	"iter"
	"time"
)

// ChangeKind says what a [Change] is.
type ChangeKind string

// The kinds of changes.
const (
	ChangeItem      ChangeKind = "item"      // an item was filed, or moved up
	ChangeTransient ChangeKind = "transient" // a pop-up that is not stored
	ChangeResync    ChangeKind = "resync"    // something else changed: read the page anew
)

// Change is what a watcher is told.
type Change struct {
	Kind   ChangeKind
	Item   Item   // of the first two kinds
	Counts Counts // after the change
	Cursor string // resumes the watch behind this change; "" if nothing was ever filed
}

// Watch yields what changes in the inbox from the cursor on ("" is now), until
// ctx ends or the loop is left; an error ends it too. First comes a resync with
// the present counts. Each filed item comes at least once, also over a resume,
// and also if transactions commit out of order. Changes that other processes
// make are seen after a hint of the [Bus], or at the latest after
// [Options].PollInterval.
func (in Inbox) Watch(ctx context.Context, cursor string) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w, err := in.Watcher(ctx, cursor)
		if err != nil {
			yield(Change{}, err)
			return
		}
		defer w.Close()
		for {
			change, err := w.Next(ctx, time.Now().Add(time.Hour))
			switch {
			case err != nil && ctx.Err() == nil:
				yield(Change{}, err)
				return
			case err != nil, change != nil && !yield(*change, nil):
				return
			}
		}
	}
}
