package notifyhttp

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// event is one server-sent event as a browser's parser sees it (WHATWG HTML,
// 9.2.6), read by a parser of its own.
type event struct{ name, id, data string }

// pipe is a ResponseWriter whose reader is in the same bubble. A reader that is
// stopped takes nothing, and the writer then meets its write deadline.
type pipe struct {
	mu       sync.Mutex
	header   http.Header
	status   int
	events   chan event
	comments int
	writes   int
	pending  event
	stopped  bool
	deadline time.Time
}

func newPipe() *pipe { return &pipe{header: http.Header{}, events: make(chan event, 10_000)} }

func (p *pipe) Header() http.Header                 { return p.header }
func (p *pipe) WriteHeader(status int)              { p.status = status }
func (p *pipe) FlushError() error                   { return nil }
func (p *pipe) SetWriteDeadline(at time.Time) error { p.deadline = at; return nil }

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		time.Sleep(time.Until(p.deadline))
		return 0, context.DeadlineExceeded
	}
	p.writes++
	for line := range strings.SplitSeq(strings.TrimSuffix(string(b), "\n"), "\n") {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			if line == "" && p.pending.data != "" {
				p.events <- p.pending
				p.pending = event{}
			} else if line != "" {
				p.comments++
			}
		case "event":
			p.pending.name = value
		case "id":
			p.pending.id = value
		case "data":
			p.pending.data += value
		}
	}
	return len(b), nil
}

// open starts a stream of somebody within the bubble. The returned function
// ends it and waits for it.
func (s *site) open(user, lastID string) (*pipe, func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "https://app.example/notify/api/v1/stream", nil)
	r.Header.Set("X-User", user)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	p := newPipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.handler.ServeHTTP(p, r)
	}()
	synctest.Wait()
	return p, func() {
		cancel()
		<-ended
	}
}

// next is the next event, of that name.
func (p *pipe) next(t *testing.T, name string) event {
	t.Helper()
	select {
	case e := <-p.events:
		require.Equal(t, name, e.name, "%s", e.data)
		return e
	case <-time.After(time.Minute):
		require.Fail(t, "no event", name)
		return event{}
	}
}

func (p *pipe) silent(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case e := <-p.events:
		assert.Fail(t, "an event", "%+v", e)
	default:
	}
}

func data(t *testing.T, e event) map[string]any {
	t.Helper()
	var document map[string]any
	require.NoError(t, json.Unmarshal([]byte(e.data), &document))
	return document
}

func TestStream_tellsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.send("before")
		p, end := s.open("ann", "")
		defer end()
		assert.Equal(t, "text/event-stream", p.header.Get("Content-Type"))
		assert.Equal(t, "no-cache, no-transform", p.header.Get("Cache-Control"))
		assert.Equal(t, "no", p.header.Get("X-Accel-Buffering"))
		hello := p.next(t, "hello")
		assert.NotEmpty(t, hello.id)
		assert.Equal(t, map[string]any{"unread": 1.0, "unseen": 1.0}, data(t, hello)["counts"])

		s.send("one")
		one := p.next(t, "notification")
		item := data(t, one)["item"].(map[string]any)
		assert.Equal(t, "Billing", item["provider"].(map[string]any)["title"])
		assert.Equal(t, map[string]any{"unread": 2.0, "unseen": 2.0}, data(t, one)["counts"])
		assert.NotEqual(t, hello.id, one.id)

		s.do("POST", "/notify/api/v1/notifications/bulk", `{"op":"seen","up_to":"`+one.id+`"}`)
		assert.Equal(t, map[string]any{"unread": 2.0, "unseen": 0.0}, data(t, p.next(t, "resync"))["counts"])

		_, err := s.n.Send(t.Context(), notify.Notification{Provider: "chat", To: []notify.Recipient{notify.User("ann")}, Title: "typing", Transient: true})
		require.NoError(t, err)
		pop := p.next(t, "transient")
		assert.Empty(t, pop.id, "it cannot be resumed behind what is not stored")
		assert.Contains(t, pop.data, "typing")
	})
}

func TestStream_ofSomebodyElseIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		p, end := s.open("bob", "")
		defer end()
		p.next(t, "hello")
		s.send("one")
		time.Sleep(10 * time.Second)
		p.silent(t)
	})
}

func TestStream_resumesWithoutAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		p, end := s.open("ann", "")
		s.send("one")
		p.next(t, "hello")
		last := p.next(t, "notification").id
		end()
		s.send("two", "three")

		p, end = s.open("ann", last)
		defer end()
		p.next(t, "hello")
		var titles []string
		for len(titles) == 0 || titles[len(titles)-1] != "three" {
			titles = append(titles, data(t, p.next(t, "notification"))["item"].(map[string]any)["title"].(string))
		}
		assert.Subset(t, titles, []string{"two", "three"}, "one may come again, none may be missing")
	})
}

func TestStream_startsAnewBehindACursorThatIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		for _, cursor := range []string{"rubbish", "AAAA"} {
			p, end := s.open("ann", cursor)
			p.next(t, "hello")
			end()
		}
	})
}

func TestStream_tellsOfSavedPreferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.send("one")
		p, end := s.open("ann", "")
		defer end()
		assert.Equal(t, 0.0, data(t, p.next(t, "hello"))["version"])
		s.do("PATCH", preferencesPath, `{"enabled":false}`)
		assert.Equal(t, 1.0, data(t, p.next(t, "preferences"))["version"])
	})
}

func TestStream_beatsWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		p, end := s.open("ann", "")
		p.next(t, "hello")
		time.Sleep(5*heartbeat + time.Second)
		end()
		assert.Equal(t, 5, p.comments)
	})
}

func TestStream_endsAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		_, end := s.open("ann", "")
		defer end()
		assert.Equal(t, 1, s.streamsOpen())
		time.Sleep(2 * streamLife)
		synctest.Wait()
		assert.Zero(t, s.streamsOpen(), "who it is must be asked again")
	})
}

func TestStream_endsWhenTheServerShutsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closing, shutdown := context.WithCancel(t.Context())
		s := newSite(t, func(o *Options) { o.Closing = closing })
		_, end := s.open("ann", "")
		defer end()
		shutdown()
		synctest.Wait()
		assert.Zero(t, s.streamsOpen())
	})
}

func TestStream_dropsASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		p, end := s.open("ann", "")
		defer end()
		p.next(t, "hello")
		for range 10 { // long enough for a deadline of the beginning to be over
			time.Sleep(6 * time.Second)
			s.send("before")
			p.next(t, "notification")
		}
		p.mu.Lock()
		p.stopped = true
		p.mu.Unlock()
		begun := time.Now()
		s.send("one")
		synctest.Wait()
		assert.Less(t, time.Since(begun), time.Second, "a slow reader must not hold a Send up")
		time.Sleep(writeTimeout - time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 1, s.streamsOpen(), "each write has its time")
		time.Sleep(writeTimeout)
		synctest.Wait()
		assert.Zero(t, s.streamsOpen())
	})
}

func TestStream_isCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(o *Options) { o.StreamsPerRecipient, o.Streams = 2, 3 })
		var ends []func()
		for _, user := range []string{"ann", "ann", "bob"} {
			p, end := s.open(user, "")
			p.next(t, "hello")
			ends = append(ends, end)
		}
		for _, user := range []string{"ann", "carl"} {
			p, end := s.open(user, "")
			assert.Equal(t, http.StatusTooManyRequests, p.status, user)
			end()
		}
		ends[0]()
		p, end := s.open("carl", "")
		p.next(t, "hello")
		for _, end := range append(ends[1:], end) {
			end()
		}
	})
}

func (s *site) streamsOpen() int {
	s.inner.streams.mu.Lock()
	defer s.inner.streams.mu.Unlock()
	return s.inner.streams.all
}

// Over a real connection: each event is there at once, and the server's
// WriteTimeout and ReadTimeout do not end the stream.
func TestStream_overAConnection(t *testing.T) {
	s := newSite(t)
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.WriteTimeout, server.Config.ReadTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/v1/stream", nil)
	require.NoError(t, err)
	r.Header.Set("X-User", "ann")
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	until := func(prefix string) {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), prefix) {
				return
			}
		}
		require.NoError(t, lines.Err())
		require.Fail(t, "the stream ended before "+prefix)
	}
	until("event: hello")
	<-time.After(100 * time.Millisecond) // longer than either
	s.send("one")
	until("event: notification")
}

// A stream that is asked for while the server ends is no error: it ends well, and
// the browser connects to the next process.
func TestStream_thatBeginsAsTheServerEnds(t *testing.T) {
	closing, end := context.WithCancel(t.Context())
	end()
	s := newSite(t, func(o *Options) { o.Closing = closing })
	for range 500 { // the end comes before or after the greeting
		require.Equal(t, http.StatusOK, s.do("GET", "/notify/api/v1/stream", "").Code)
	}
}
