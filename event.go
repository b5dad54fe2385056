package notify

import (
	"context"
	"time"
)

// EventType says what an [Event] is about.
type EventType string

// The events. Those of a Send come on its caller's goroutine and context, so
// that a trace started there goes on.
const (
	EventAccepted    EventType = "accepted"     // a notification was stored; Count recipients were filed with it
	EventReplayed    EventType = "replayed"     // its key had been accepted before
	EventFiled       EventType = "filed"        // a fan-out filed Count recipients
	EventRejected    EventType = "rejected"     // a recipient of a fan-out could not be filed
	EventWithdrawn   EventType = "withdrawn"    // Count notifications were taken back
	EventAttempt     EventType = "attempt"      // a channel was called for one address
	EventSettled     EventType = "settled"      // a delivery was delivered, skipped, given up or put back
	EventPlanned     EventType = "planned"      // a digest's cut was moved
	EventDigest      EventType = "digest"       // a digest's window was closed
	EventPaused      EventType = "paused"       // a channel's account is misconfigured
	EventResumed     EventType = "resumed"      // it works again
	EventDestination EventType = "destination"  // a destination keeps failing (Err) or works again
	EventLeaseLost   EventType = "lease lost"   // another process took the task over
	EventAbandoned   EventType = "abandoned"    // a channel ignored its context; Count are stuck
	EventZone        EventType = "zone"         // the directory names an unknown time zone
	EventStoreFailed EventType = "store failed" // background work met an error of the store or the host and will try again
)

// Event is something that happened, for logs, metrics and traces. Fields that
// do not apply are zero. It never carries an address or a secret.
type Event struct {
	Type         EventType
	Recipient    Recipient
	Notification ID
	Delivery     ID
	Provider     string
	Channel      string
	Destination  string
	Attempt      int
	Status       Status
	Reason       string
	Class        Class
	Duration     time.Duration // of what it reports
	Age          time.Duration // of the delivery since it was filed
	Count        int
	Err          error
}

// emit reports an event to the host and, if it is worth it, to the log.
func (n *Notifier) emit(ctx context.Context, e Event) {
	if n.observe != nil {
		err := guarded(func() error {
			n.observe(ctx, e)
			return nil
		})
		if err != nil && n.logLimit.allow() {
			n.log.ErrorContext(ctx, "notify: Options.Observe failed", "event", e.Type, "error", err)
		}
	}
	switch e.Type {
	case EventStoreFailed, EventPaused, EventAbandoned, EventDestination, EventZone, EventRejected:
		if n.logLimit.allow() {
			n.log.WarnContext(ctx, "notify: "+string(e.Type), "channel", e.Channel, "provider", e.Provider,
				"reason", e.Reason, "count", e.Count, "error", e.Err)
		}
	}
}
