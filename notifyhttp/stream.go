package notifyhttp

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

// The times and sizes of a live stream.
const (
	heartbeat    = 20 * time.Second      // a comment after so long without an event
	writeTimeout = 10 * time.Second      // a reader that takes nothing for so long is dropped
	streamLife   = 15 * time.Minute      // then the browser connects anew, and who is asked again
	maxPending   = 256 << 10             // bytes that a slow reader may lag behind
	gathering    = 20 * time.Millisecond // from one write to the next: what comes meanwhile goes out together
)

// stream is GET api/v1/stream: server-sent events (WHATWG HTML, 9.2). Each has
// the counts as they are after it. An event with an id can be resumed behind, by
// Last-Event-ID: what was filed since then comes again, at least once.
//
//	hello          {counts, cursor, version}  first of all
//	notification   {item, counts}             filed, or moved up by a newer one
//	transient      {item, counts}             a pop-up that is not stored
//	resync         {counts}                   something else changed: read the list anew
//	preferences    {version}                  the settings were saved
func (c *call) stream() error {
	if _, err := c.query("cursor"); err != nil {
		return err
	}
	cursor := c.r.Header.Get("Last-Event-ID")
	if cursor == "" {
		cursor = c.r.URL.Query().Get("cursor")
	}
	if len(cursor) > 200 {
		return queryProblem("cursor", "invalid", "not a cursor")
	}
	if c.r.Method == http.MethodHead { // wants to know, not to listen
		streamHeader(c.w.Header())
		c.w.WriteHeader(http.StatusOK)
		return nil
	}
	if !c.streams.enter(c.recipient) {
		p := problemOf(http.StatusTooManyRequests, "too-many-streams", "Too many live streams are open.")
		p.retryAfter = time.Minute
		return p
	}
	defer c.streams.leave(c.recipient)

	ctx, cancel := context.WithTimeout(c.ctx(), streamLife+rand.N(streamLife/10))
	defer cancel()
	stop := context.AfterFunc(c.streams.closing, cancel)
	defer stop()
	f := &feed{wake: make(chan struct{}, 1)}
	watcher := &streamer{call: c, feed: f, known: catalogOnce(c)}
	if err := watcher.begin(c.ctx()); err != nil {
		return err
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		defer f.end()
		watcher.watch(ctx, cursor)
	})
	f.copyTo(ctx, c.w)
	return nil
}

// streamer turns what changes in an inbox into events.
type streamer struct {
	*call
	feed    *feed
	known   func() catalog
	version int64 // of the preferences, as the client knows it
	greeted bool
}

// begin reads what has to be known before the answer begins, while an error can
// still be told as such.
func (s *streamer) begin(ctx context.Context) error {
	p, err := s.n.Preferences(ctx, s.recipient)
	s.version = p.Version
	return err
}

// catalogOnce reads the providers when the first item needs them: their titles
// are worth one query for each stream, not for each item.
func catalogOnce(c *call) func() catalog {
	return sync.OnceValue(func() catalog {
		known, err := c.catalog()
		if err != nil {
			return nil // ids will do
		}
		return known
	})
}

func (s *streamer) watch(ctx context.Context, cursor string) {
	for change, err := range s.n.Inbox(s.recipient).Watch(ctx, cursor) {
		if err != nil {
			if _, bad := invalidOf(err); bad && cursor != "" {
				// A cursor of a former time or of another user: start anew.
				s.watch(ctx, "")
				return
			}
			if ctx.Err() == nil {
				s.log.WarnContext(ctx, "notifyhttp: a live stream failed", "error", err)
			}
			return
		}
		if !s.tell(ctx, change) {
			return
		}
	}
}

// tell queues the event of a change; false ends the stream.
func (s *streamer) tell(ctx context.Context, change notify.Change) bool {
	switch {
	case !s.greeted:
		s.greeted = true
		return s.feed.event("hello", change.Cursor, struct {
			Counts  notify.Counts `json:"counts"`
			Cursor  string        `json:"cursor"`
			Version int64         `json:"version"`
		}{change.Counts, change.Cursor, s.version})
	case change.Kind == notify.ChangeItem || change.Kind == notify.ChangeTransient:
		name, id := "notification", change.Cursor
		if change.Kind == notify.ChangeTransient {
			name, id = "transient", ""
		}
		return s.feed.event(name, id, struct {
			Item   itemJSON      `json:"item"`
			Counts notify.Counts `json:"counts"`
		}{s.known().item(change.Item), change.Counts})
	}
	if p, err := s.n.Preferences(ctx, s.recipient); err == nil && p.Version != s.version {
		s.version = p.Version
		if !s.feed.event("preferences", "", struct {
			Version int64 `json:"version"`
		}{p.Version}) {
			return false
		}
	}
	return s.feed.event("resync", change.Cursor, struct {
		Counts notify.Counts `json:"counts"`
	}{change.Counts})
}

// feed is what waits to be written to one reader. The first event goes out at
// once; events that follow closely go out together, in one write.
type feed struct {
	wake chan struct{}

	mu      sync.Mutex
	pending []byte
	ended   bool
}

// event queues an event, and is false if the reader lags too far behind or the
// stream has ended. JSON has no line breaks, and an id is a cursor of ours, so
// that nothing can end a line too early.
func (f *feed) event(name, id string, data any) bool {
	text, err := json.Marshal(data)
	if err != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || len(f.pending) > maxPending {
		return false
	}
	f.pending = fmt.Appendf(f.pending, "event: %s\n", name)
	if id != "" {
		f.pending = fmt.Appendf(f.pending, "id: %s\n", id)
	}
	f.pending = append(append(append(f.pending, "data: "...), text...), "\n\n"...)
	f.signal()
	return true
}

func (f *feed) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// end lets copyTo write what is left and return.
func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	f.signal()
}

// take empties the feed into a buffer that is used again.
func (f *feed) take(into []byte) (_ []byte, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.pending
	f.pending = into[:0]
	return taken, f.ended
}

func streamHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // nginx would hold events back
}

// copyTo writes the feed to the reader until either ends.
func (f *feed) copyTo(ctx context.Context, w http.ResponseWriter) {
	streamHeader(w.Header())
	control := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection may be used again
	write := func(b []byte) bool {
		// Each write has its own time: the server's WriteTimeout is for whole
		// answers, and this one never ends.
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := w.Write(b); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	if !write([]byte("retry: 3000\n\n")) {
		return
	}
	beat := time.NewTimer(heartbeat)
	defer beat.Stop()
	rest := time.NewTimer(0)
	defer rest.Stop()
	wake := f.wake
	var buffer []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
			wake = f.wake
			continue
		case <-beat.C:
			if !write([]byte(": \n\n")) {
				return
			}
		case <-wake:
			wake = nil
			rest.Reset(gathering)
			var ended bool
			buffer, ended = f.take(buffer)
			if len(buffer) > 0 && !write(buffer) || ended {
				return
			}
		}
		beat.Reset(heartbeat)
	}
}
