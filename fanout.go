package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"
)

// fanOutChunk is how many recipients are filed in one transaction.
const fanOutChunk = 1000

// expand files the recipients of a notification, chunk by chunk. A crash
// resumes behind the last chunk that was committed. A fan-out never goes dead:
// what fails is tried again, and Health shows it.
func (s *session) expand(w *work) Outcome {
	note, err := s.fannedOut(w)
	if err != nil {
		return s.fanOutFailed(w, err)
	}
	// What cannot be an id cannot be kept as the place to go on from either.
	cursor, stored := w.task.Cursor, w.task.Cursor
	for {
		if s.ctx.Err() != nil || s.isOthers(w) || s.stopping() {
			return Outcome{Status: StatusPending, Reason: "shutdown"}
		}
		var ids []string
		done := false
		err := guarded(func() (err error) {
			ids, done, err = s.members(note, cursor)
			return err
		})
		if err != nil {
			return s.fanOutFailed(w, err)
		}
		chunk := Chunk{Task: w.lease(), Cursor: stored, Done: done}
		f := s.n.newFiler()
		if err := guarded(func() error { return s.fill(w, f, note, ids, &chunk) }); err != nil {
			return s.fanOutFailed(w, err)
		}
		withdrawn, err := s.fileChunk(w, f, note, chunk)
		switch {
		case errors.Is(err, ErrLeaseLost):
			s.leaseLost(w)
			return Outcome{}
		case err != nil:
			return s.fanOutFailed(w, err)
		case withdrawn || done:
			return Outcome{}
		}
		cursor, stored = ids[len(ids)-1], chunk.Cursor
		w.task.Attempts = 0 // it got on
	}
}

// fannedOut is the notification of a fan-out: as it was handed over, or as it is
// stored. Whether it was withdrawn, or somebody erased, the store sees with each
// chunk.
func (s *session) fannedOut(w *work) (Notification, error) {
	if w.facts.Notification.Provider != "" {
		return w.facts.Notification, nil
	}
	facts, _, err := s.n.store.Load(s.ctx, []Task{w.task}, 0)
	if err == nil && len(facts) != 1 {
		err = fmt.Errorf("notify: fan out: the store knows nothing of its task")
	}
	if err != nil {
		return Notification{}, err
	}
	w.facts = facts[0]
	note := w.facts.Notification
	if w.facts.Withdrawn {
		// The store ends the task when it sees the mark.
		note.To, note.Audience = nil, ""
	}
	return note, nil
}

// members is the next part of the recipients after the cursor.
func (s *session) members(note Notification, cursor string) (ids []string, done bool, err error) {
	if note.Audience == "" {
		from := sort.Search(len(note.To), func(i int) bool { return note.To[i].ID > cursor })
		rest := note.To[from:]
		for _, r := range rest[:min(len(rest), fanOutChunk)] {
			ids = append(ids, r.ID)
		}
		return ids, len(rest) <= fanOutChunk, nil
	}
	audience := s.n.audiences[note.Audience]
	if audience == nil {
		return nil, false, fmt.Errorf("notify: no audience named %q is registered", note.Audience)
	}
	ids, err = audience.Members(s.ctx, note.Tenant, cursor, fanOutChunk)
	if err != nil {
		return nil, false, fmt.Errorf("notify: audience: %w", err)
	}
	ids = ids[:min(len(ids), fanOutChunk)] // more come with the next chunk
	if slices.Contains(ids, cursor) {
		return nil, false, fmt.Errorf("notify: audience %q does not go on after the id it was given", note.Audience)
	}
	return ids, len(ids) == 0, nil
}

// fill decides what the recipients of a chunk get. One that is no recipient at
// all is recorded and passed over.
func (s *session) fill(w *work, f *filer, note Notification, ids []string, chunk *Chunk) error {
	recipients := make([]Recipient, 0, len(ids))
	for _, id := range ids {
		r := Recipient{Tenant: note.Tenant, ID: id}
		if err := checkRecipient(r); err != nil {
			s.reject(w, chunk, Recipient{Tenant: note.Tenant, ID: rejectedID(id)}, err)
			continue
		}
		recipients = append(recipients, r)
		chunk.Cursor = id
	}
	slices.SortFunc(recipients, compareRecipients)
	recipients = slices.Compact(recipients)
	if err := f.learn(s.ctx, recipients); err != nil {
		return err
	}
	lane := w.task.Lane
	chunk.Filings = make([]Filing, 0, len(recipients))
	for i, r := range recipients {
		provider, _, err := f.provider(s.ctx, r, note.Provider)
		if err != nil {
			return err
		}
		if i == 0 {
			f.know(s.ctx, recipients, provider)
		}
		err = guarded(func() error {
			chunk.Filings = append(chunk.Filings, f.file(s.ctx, note, provider, lane, r))
			return nil
		})
		if err != nil {
			s.reject(w, chunk, r, err)
		}
	}
	return nil
}

// rejectedID makes an identifier that a record can hold.
func rejectedID(id string) string {
	id = storable(id)
	if len(id) > maxIdentifier {
		id = storable(id[:maxIdentifier-3])
	}
	if id == "" {
		id = "(empty)"
	}
	return id
}

func (s *session) reject(w *work, chunk *Chunk, r Recipient, err error) {
	chunk.Rejected = append(chunk.Rejected, Rejection{ID: s.n.ids.next(), Recipient: r, Reason: storable(err.Error())})
	s.n.emit(s.ctx, Event{
		Type: EventRejected, Recipient: r, Notification: w.task.Notification, Provider: w.task.Provider, Err: err,
	})
}

// fileChunk commits a chunk, with its deliveries handed over to this process as
// far as it has room.
func (s *session) fileChunk(w *work, f *filer, note Notification, chunk Chunk) (withdrawn bool, err error) {
	begun := time.Now()
	s.n.reserve(chunk.Filings)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), writeDeadline)
	defer cancel()
	at, withdrawn, err := s.n.store.FanOut(ctx, chunk)
	if err != nil || withdrawn {
		s.n.unreserve([]Acceptance{{Filings: chunk.Filings}})
		if err != nil {
			err = fmt.Errorf("notify: fan out: %w", err)
		}
		return withdrawn, err
	}
	signals := make([]Signal, len(chunk.Filings))
	for i, f := range chunk.Filings {
		signals[i].Recipient = f.Recipient
	}
	s.n.publish(s.ctx, signals)
	of := f.filed(w.task.Notification, note, at)
	if at.IsZero() {
		begun = at // nobody knows which of the leases there are
	}
	if s.n.handOver(s.ctx, begun, of, chunk.Filings) && s.running {
		s.n.Wake()
	}
	s.n.emit(s.ctx, Event{
		Type: EventFiled, Notification: w.task.Notification, Provider: note.Provider, Count: len(chunk.Filings),
	})
	return false, nil
}

// stopping tells whether no more work is to be begun.
func (s *session) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.accepting
}

func (s *session) fanOutFailed(w *work, err error) Outcome {
	s.n.emit(s.ctx, Event{
		Type: EventStoreFailed, Notification: w.task.Notification, Provider: w.task.Provider, Reason: "fan-out", Err: err,
	})
	s.trouble(err)
	ceiling := min(time.Second<<min(w.task.Attempts, 9), 5*time.Minute)
	return Outcome{Status: StatusPending, Reason: "retry", Error: storable(err.Error()), RetryIn: stepBack(ceiling), Charge: true}
}

// sweepTask removes the items of a notification that was withdrawn in a
// transaction of the host, or by a process that died.
func (s *session) sweepTask(w *work) Outcome {
	if err := s.n.sweep(s.ctx, w.task.Notification); err != nil {
		return s.fanOutFailed(w, err)
	}
	return Outcome{} // the store removed the task with the last item
}
