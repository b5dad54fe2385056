package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
)

const (
	insertDeliveries = `INSERT INTO {delivery} (` + deliveryColumns + `)
SELECT ` + deliveryColumns + `
FROM {rows filed:int id:id kind:text tenant:text recipient:text notification:id provider:text channel:text lane:int bucket:int forced:int preferences:int epoch:int attempts:int accepted:long unknown:int cut:int cut_from:int status:text reason:long error:long settled:int} WHERE 1 = 1`

	forgetRecipients = `{update notification id:id} SET audience = NULL, recipients = NULL {those}`

	// longestError is how much of an error is kept, in bytes.
	longestError = 4096
)

// Settle implements [notify.Outbox].
func (s *Store) Settle(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	for _, o := range outcomes {
		if !pending(o.Status) && !slices.Contains(finals, o.Status) {
			return nil, &notify.InvalidError{Field: "Status", Reason: "unknown"}
		}
	}
	lost, done, err := s.settleAtOnce(ctx, outcomes)
	if err != nil || done {
		return lost, err
	}
	err = s.write(ctx, "settle", func(ctx context.Context, t *tx) (err error) {
		lost, err = t.settle(ctx, outcomes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

func (t *tx) settle(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
	leases := make([]notify.Lease, len(outcomes))
	for i, o := range outcomes {
		leases[i] = o.Task
	}
	rows, lost, err := t.held(ctx, leases)
	if err != nil {
		return nil, err
	}
	var gone, fannedOut []notify.ID // tasks; notifications
	var back []taskRow
	var ended []taskRow
	var digests []ending
	for _, o := range outcomes {
		k, ok := rows.of(o.Task)
		if !ok {
			continue
		}
		delete(rows, o.Task.ID) // of two outcomes of a task the first counts
		if err := t.learn(ctx, k.Recipient, o.Addresses); err != nil {
			return nil, err
		}
		k.charge(o)
		gone = append(gone, k.ID)
		switch {
		case pending(o.Status):
			back = append(back, giveBack(k, o, t.now))
		case k.Kind == notify.KindFanOut:
			fannedOut = append(fannedOut, k.Notification)
		case k.Kind == notify.KindSweep: // a fan-out of the same notification may be pending
		default:
			if k.Kind == notify.KindDigest {
				digests = append(digests, ending{k, o})
			}
			k.status = o.Status
			ended = append(ended, k)
		}
	}
	if err := t.closeDigests(ctx, digests); err != nil {
		return nil, err
	}
	if err := t.deleteTasks(ctx, gone); err != nil {
		return nil, err
	}
	if err := t.insertTasks(ctx, back); err != nil {
		return nil, err
	}
	if err := t.record(ctx, ended); err != nil {
		return nil, err
	}
	if len(fannedOut) > 0 {
		if _, err := t.exec(ctx, forgetRecipients, idRows(fannedOut)); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// finals are the statuses with which a delivery ends.
var finals = []notify.Status{notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead}

// pending tells whether a delivery of the status is still in the outbox.
func pending(s notify.Status) bool { return s == notify.StatusPending || s == notify.StatusUnknown }

// charge takes over what the attempt changed: it counts, unless it was counted
// before it began.
func (k *taskRow) charge(o notify.Outcome) {
	if o.Charge && !o.Task.Charge {
		k.Attempts++
	}
	k.Accepted = o.Accepted
	k.reason = o.Reason
	if o.Error != "" || o.Status == notify.StatusDelivered {
		k.error = shortened(o.Error)
	}
}

// giveBack is the task as it waits for its next attempt.
func giveBack(k taskRow, o notify.Outcome, now int64) taskRow {
	k.leasedUntil = 0
	k.Unknown = k.Unknown || o.Status == notify.StatusUnknown
	if o.RetryIn > 0 {
		k.Due = instant(now + o.RetryIn.Microseconds())
	}
	return k
}

// shortened cuts a long error, not within a character.
func shortened(text string) string {
	if len(text) <= longestError {
		return text
	}
	return strings.ToValidUTF8(text[:longestError], "")
}

// record writes deliveries that have ended into the log, but for those of
// recipients who were erased meanwhile: of these nothing is to stay.
func (t *tx) record(ctx context.Context, ended []taskRow) error {
	if len(ended) == 0 {
		return nil
	}
	recipients := make([]notify.Recipient, len(ended))
	for i, k := range ended {
		recipients[i] = k.Recipient
	}
	erased, err := t.erased(ctx, recipients)
	if err != nil {
		return err
	}
	rows := make(rowset, 0, len(ended))
	var unkept []notify.ID
	for _, k := range ended {
		if erased[k.Recipient] {
			if k.Notification != "" {
				unkept = append(unkept, k.Notification)
			}
			continue
		}
		accepted, err := packList(k.Accepted)
		if err != nil {
			return err
		}
		rows = append(rows, []any{
			micros(k.Filed), k.ID, string(k.Kind), k.Recipient.Tenant, k.Recipient.ID, k.Notification, k.Provider, k.Channel,
			int(k.Lane), k.Bucket, k.Forced, k.PreferencesVersion, k.Epoch, k.Attempts, accepted, k.Unknown, micros(k.Cut), micros(k.From),
			string(k.status), k.reason, k.error, t.now,
		})
	}
	if len(unkept) > 0 {
		if _, err := t.deleteUnreferred(ctx, selectUnreferred, idRows(unkept)); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err = t.exec(ctx, insertDeliveries, rows)
	return err
}
