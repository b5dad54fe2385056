package notifyhttp

import (
	"context"
	"io"
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
	gathering    = 20 * time.Millisecond // from one write to the next: what comes meanwhile goes out together
	burst        = 4 * time.Millisecond  // longer for each further event that went out: more will come
	longestRest  = 100 * time.Millisecond
	maxTogether  = 64 << 10 // bytes, and an event, in one write
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

	s, err := c.newStreamer(cursor)
	if err != nil {
		return err
	}
	defer s.watcher.Close()
	defer context.AfterFunc(c.streams.closing, s.watcher.Close)()
	streamHeader(c.w.Header())
	c.w.WriteHeader(http.StatusOK)
	if err := s.run(); err != io.EOF && c.ctx().Err() == nil {
		s.log.WarnContext(c.ctx(), "notifyhttp: a live stream failed", "error", err)
	}
	return nil
}

func streamHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // nginx would hold events back
}

// streamer tells one reader what changes, in one goroutine. Nothing is queued for
// the reader besides: while a slow one takes its time, what is new stays in the
// store.
type streamer struct {
	*call
	watcher  *notify.Watcher
	control  *http.ResponseController
	shown    []providerJSON // of the items that were told
	version  int64          // of the preferences, as the client knows it
	greeted  bool
	ends     time.Time
	beat     time.Time // when the reader has to hear something
	rested   time.Time // when the reader may be told something
	deadline time.Time // of writing
}

// newStreamer reads what has to be known before the answer begins, while an
// error can still be told as such.
func (c *call) newStreamer(cursor string) (*streamer, error) {
	p, err := c.n.Preferences(c.ctx(), c.recipient)
	if err != nil {
		return nil, err
	}
	watcher, err := c.inbox().Watcher(c.ctx(), cursor)
	if _, bad := invalidOf(err); bad && cursor != "" {
		// A cursor of a former time or of another user: start anew.
		watcher, err = c.inbox().Watcher(c.ctx(), "")
	}
	if err != nil {
		return nil, err
	}
	return &streamer{
		call: c, watcher: watcher, control: http.NewResponseController(c.w), version: p.Version,
		ends: time.Now().Add(streamLife + rand.N(streamLife/10)),
	}, nil
}

// run tells what there is to tell, until either side ends: io.EOF.
func (s *streamer) run() error {
	defer func() { _ = s.control.SetWriteDeadline(time.Time{}) }() // the connection may be used again
	for {
		next := s.ends
		if s.beat.Before(next) {
			next = s.beat
		}
		change, err := s.watcher.Next(s.ctx(), next)
		now := time.Now()
		switch {
		case err != nil:
		case change != nil:
			err = s.tell(change, now)
		case now.Before(s.ends):
			err = s.write([]byte(": \n\n"), now)
		default:
			err = io.EOF
		}
		if err != nil {
			return err
		}
	}
}

// texts are buffers for what goes out in one write. There are far fewer of them
// than of readers.
var texts = sync.Pool{New: func() any {
	text := make([]byte, 0, 4<<10)
	return &text
}}

// tell writes a change and all that have come by then.
func (s *streamer) tell(change *notify.Change, now time.Time) (err error) {
	if rest := s.rested.Sub(now); rest > 0 {
		time.Sleep(rest)
		now = time.Now()
	}
	buffer := texts.Get().(*[]byte)
	defer texts.Put(buffer)
	text := (*buffer)[:0]
	rest := gathering - burst
	for change != nil && err == nil {
		rest += burst
		if text = s.appendEvent(text, change); len(text) > maxTogether {
			break
		}
		change, err = s.watcher.Next(s.ctx(), time.Time{})
	}
	*buffer = text
	if change == nil { // else there is more already
		s.rested = now.Add(min(rest, longestRest))
	}
	if failed := s.write(text, now); failed != nil {
		return failed
	}
	return err
}

// write writes to the reader at once. The server's WriteTimeout is for whole
// answers, and this one never ends: a write has a time of its own. On HTTP/1.1 a
// deadline that passes while nothing is written does no harm, so that one serves
// for many writes; on HTTP/2 it would end the stream.
func (s *streamer) write(text []byte, now time.Time) error {
	s.beat = now.Add(heartbeat)
	if s.deadline.Sub(now) < writeTimeout {
		s.deadline = now.Add(writeTimeout * 3 / 2)
		_ = s.control.SetWriteDeadline(s.deadline)
	}
	if _, err := s.w.Write(text); err != nil || s.control.Flush() != nil {
		return io.EOF // the reader has gone, or takes nothing
	}
	if s.r.ProtoMajor > 1 {
		s.deadline = time.Time{}
		_ = s.control.SetWriteDeadline(s.deadline)
	}
	return nil
}
