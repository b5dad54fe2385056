package notifyhttp

import (
	"context"
	"encoding/json"
	"fmt"
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

// pieces is an answer that keeps each flush apart. Each takes its time.
type pieces struct {
	*httptest.ResponseRecorder
	slow time.Duration

	mu    sync.Mutex
	begun time.Time
	at    []time.Duration
	texts []string
}

func (p *pieces) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Since(p.begun))
	p.texts = append(p.texts, p.Body.String())
	p.Body.Reset()
	time.Sleep(p.slow)
}

func (p *pieces) events() (each []int) {
	for _, text := range p.texts {
		each = append(each, strings.Count(text, "event:"))
	}
	return each
}

// openInto begins a stream of ann that is written into w. The returned function
// ends it.
func (s *site) openInto(w http.ResponseWriter, cursor string) func() {
	ctx, cancel := context.WithCancel(s.t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "https://app.example/notify/api/v1/stream?cursor="+cursor, nil)
	r.Header.Set("X-User", "ann")
	var serving sync.WaitGroup
	serving.Go(func() { s.handler.ServeHTTP(w, r) })
	synctest.Wait()
	return func() {
		cancel()
		serving.Wait()
	}
}

// popUp shows a pop-up to people.
func (s *site) popUp(title string, to ...string) {
	s.t.Helper()
	note := notify.Notification{Provider: "chat", Title: title, Transient: true}
	for _, name := range to {
		note.To = append(note.To, notify.User(name))
	}
	_, err := s.n.Send(s.t.Context(), note)
	require.NoError(s.t, err)
}

func TestStream_writesTheFirstAtOnceAndGathersWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newSite(t), &pieces{ResponseRecorder: httptest.NewRecorder(), begun: time.Now()}
		end := s.openInto(w, "")
		time.Sleep(time.Second)
		for range 5 {
			s.popUp("typing", "ann")
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		s.popUp("last", "ann")
		synctest.Wait()
		end()
		assert.Equal(t, []time.Duration{0, time.Second, time.Second + gathering, 2*time.Second + 5*time.Millisecond}, w.at)
		assert.Equal(t, []int{1, 1, 4, 1}, w.events())
	})
}

func TestStream_restsLongerInABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newSite(t), &pieces{ResponseRecorder: httptest.NewRecorder(), begun: time.Now()}
		end := s.openInto(w, "")
		time.Sleep(time.Second)
		for range 11 {
			s.popUp("typing", "ann")
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(time.Second)
		end()
		second := time.Second + gathering
		third := second + gathering + burst
		assert.Equal(t, []time.Duration{0, time.Second, second, third, third + gathering + 3*burst}, w.at)
		assert.Equal(t, []int{1, 1, 2, 4, 4}, w.events())
	})
}

// A reader who takes long for a write gets what came meanwhile in the next one,
// pop-ups and items, in order, each once.
func TestStream_writesTogetherWhatCameDuringAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newSite(t), &pieces{ResponseRecorder: httptest.NewRecorder(), slow: time.Second}
		end := s.openInto(w, "")
		for i := range 50 {
			s.popUp(fmt.Sprint("pop-up ", i), "ann")
			s.send(fmt.Sprintf("item-%d", i))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		end()
		assert.Equal(t, []int{1, 100}, w.events(), "hello, and all the rest")
		last := -1
		for i := range 50 {
			at := strings.Index(w.texts[1], fmt.Sprintf(`"pop-up %d"`, i))
			assert.Greater(t, at, last)
			last = at
		}
	})
}

// What a slow reader has not taken is in the store, not in memory.
func TestStream_neverWritesMuchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.send("known")
		cursor := s.list("").Head
		time.Sleep(time.Minute)
		long := strings.Repeat("long ", 800)
		for i := range 500 {
			_, err := s.n.Send(t.Context(), notify.Notification{Provider: "chat", To: []notify.Recipient{notify.User("ann")}, Title: fmt.Sprint(i), Body: long})
			require.NoError(t, err)
		}
		w := &pieces{ResponseRecorder: httptest.NewRecorder(), begun: time.Now(), slow: 10 * time.Millisecond}
		end := s.openInto(w, cursor)
		time.Sleep(10 * time.Second)
		end()
		told, longest := 0, 0
		for _, text := range w.texts {
			told += strings.Count(text, "event: notification")
			longest = max(longest, len(text))
		}
		assert.Equal(t, 501, told, "the known one is told again")
		assert.Less(t, longest, maxTogether+(5<<10))
		assert.Less(t, w.at[len(w.at)-1], time.Second/2, "what is there already waits for nothing but the reader")
	})
}

func TestStream_endsInTheMiddleOfAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closing, shutdown := context.WithCancel(t.Context())
		s := newSite(t, func(o *Options) { o.Closing = closing })
		w := &pieces{ResponseRecorder: httptest.NewRecorder(), slow: time.Second}
		end := s.openInto(w, "")
		defer end()
		s.popUp("one", "ann")
		shutdown()
		time.Sleep(1500 * time.Millisecond)
		assert.Zero(t, s.streamsOpen())
	})
}

func TestPopUps_areMadeOnceForAllWhoSeeTheSame(t *testing.T) {
	made := &popUps{}
	it := &notify.Item{ID: "1", Notification: notify.Notification{Title: "typing", Provider: "chat"}}
	first := made.text(it, providerJSON{Key: "chat", Title: "Chat"})
	assert.Contains(t, string(first), `"typing"`)
	assert.Same(t, &first[0], &made.text(it, providerJSON{Key: "chat", Title: "Chat"})[0])
	assert.Contains(t, string(made.text(it, providerJSON{Key: "chat", Title: "Gespräche"})), "Gespräche", "another catalog")
	for i := range 3 * len(made.order) {
		text := made.text(&notify.Item{ID: notify.ID(fmt.Sprint("other ", i)), Notification: notify.Notification{Title: fmt.Sprint("title ", i)}}, providerJSON{})
		require.Contains(t, string(text), fmt.Sprintf(`"title %d"`, i))
		require.LessOrEqual(t, len(made.texts), len(made.order))
	}
	assert.Contains(t, string(made.text(it, providerJSON{Key: "chat", Title: "Chat"})), `"typing"`)
	kept := len(made.texts)
	it.ID, it.Notification.Body = "2", strings.Repeat("long ", maxPopUpText)
	assert.Greater(t, len(made.text(it, providerJSON{})), maxPopUpText)
	assert.Len(t, made.texts, kept, "a long one is not kept")
}

func TestStream_popUpsHaveTheCountsOfEachReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.send("one")
		ann, endAnn := s.open("ann", "")
		defer endAnn()
		bob, endBob := s.open("bob", "")
		defer endBob()
		ann.next(t, "hello")
		bob.next(t, "hello")
		s.popUp("typing", "ann", "bob")
		assert.Equal(t, map[string]any{"unread": 1.0, "unseen": 1.0}, data(t, ann.next(t, "transient"))["counts"])
		assert.Equal(t, map[string]any{"unread": 0.0, "unseen": 0.0}, data(t, bob.next(t, "transient"))["counts"])
	})
}

func TestAppendCounts_isWhatJSONHas(t *testing.T) {
	for _, counts := range []notify.Counts{{}, {Unread: 3, Unseen: 12}, {Unread: 10_000, Unseen: 10_000, AtLeast: true}} {
		wanted, err := json.Marshal(struct {
			Counts notify.Counts `json:"counts"`
		}{counts})
		require.NoError(t, err)
		assert.Equal(t, string(wanted), string(append(appendCounts([]byte("{"), counts), '}')))
	}
}
