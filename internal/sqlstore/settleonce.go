package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/bellwether-go/notify"
)

// settleAtOnce records outcomes by one statement, where the database has one for
// it. That statement writes all of them or, if one calls for more than a row of
// the outbox and of the log, nothing: then it tells that they are not done.
func (s *Store) settleAtOnce(ctx context.Context, outcomes []notify.Outcome) (lost []notify.ID, done bool, err error) {
	text, args, ok, err := s.settlement(outcomes)
	if err != nil || !ok {
		return nil, false, err
	}
	err = s.read(ctx, "settle", func(ctx context.Context, on querier) error {
		return on.query(ctx, text, func(r row) error {
			var count int
			var held string
			if err := r.Scan(&count, &held); err != nil {
				return err
			}
			done = count >= 0
			lost, err = withoutHeld(outcomes, count, held)
			return err
		}, args...)
	})
	if err != nil || !done {
		return nil, false, err
	}
	return lost, true, nil
}

// withoutHeld are the tasks of outcomes but for those at the places that are listed.
func withoutHeld(outcomes []notify.Outcome, count int, list string) ([]notify.ID, error) {
	if count == len(outcomes) {
		return nil, nil
	}
	held := make([]bool, len(outcomes))
	for field := range strings.FieldsSeq(list) {
		place, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		held[place] = true
	}
	var lost []notify.ID
	for place, o := range outcomes {
		if !held[place] {
			lost = append(lost, o.Task.ID)
		}
	}
	return lost, nil
}

// settlement is the statement for outcomes and its arguments. There is none for
// two outcomes of one task.
func (s *Store) settlement(outcomes []notify.Outcome) (text string, args []any, ok bool, err error) {
	if s.d.SettleAtOnce == "" {
		return "", nil, false, nil
	}
	order := make([]int, len(outcomes))
	for i := range order {
		order[i] = i
	}
	// The order in which rows are locked.
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(outcomes[a].Task.ID, outcomes[b].Task.ID) })
	rows := make(rowset, 0, len(outcomes))
	var learnt rowset
	for k, place := range order {
		o := outcomes[place]
		if k > 0 && outcomes[order[k-1]].Task.ID == o.Task.ID {
			return "", nil, false, nil
		}
		row, err := settledRow(place, o)
		if err != nil {
			return "", nil, false, err
		}
		rows = append(rows, row)
		for _, a := range o.Addresses {
			learnt = append(learnt, learntRow(place, a))
		}
	}
	if learnt == nil {
		return s.d.SettleAtOnce, []any{s.at(), rows, len(rows)}, true, nil
	}
	return s.d.SettleAndLearn, []any{s.at(), rows, len(rows), learnt}, s.d.SettleAndLearn != "", nil
}

// settledRow is what an outcome changes, without what stays as it is.
func settledRow(place int, o notify.Outcome) ([]any, error) {
	accepted, err := packList(o.Accepted)
	if err != nil {
		return nil, err
	}
	var failure any // nil: what was there
	if o.Error != "" || o.Status == notify.StatusDelivered {
		failure = shortened(o.Error)
	}
	return []any{
		place, o.Task.ID, o.Task.Epoch, !pending(o.Status), string(o.Status), o.Status == notify.StatusUnknown, max(o.RetryIn.Microseconds(), 0),
		o.Charge && !o.Task.Charge, accepted, o.Reason, failure,
	}, nil
}

// learntRow is what the outcome at a place says about an address.
func learntRow(place int, a notify.AddressOutcome) []any {
	since := int64(-1) // before anything is registered
	var failure any
	switch {
	case a.Gone:
		since = micros(a.Since)
	case a.Error != "":
		failure = shortened(a.Error)
	}
	return []any{place, a.Registration, !a.Gone && a.Error == "", since, failure}
}
