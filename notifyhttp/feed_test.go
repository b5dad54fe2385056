package notifyhttp

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// pieces is an answer that keeps each flush apart.
type pieces struct {
	*httptest.ResponseRecorder
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
}

func TestFeed_writesTheFirstAtOnceAndGathersWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &feed{wake: make(chan struct{}, 1)}
		w := &pieces{ResponseRecorder: httptest.NewRecorder(), begun: time.Now()}
		var copying sync.WaitGroup
		copying.Go(func() { f.copyTo(t.Context(), w) })
		time.Sleep(time.Second)
		for range 5 {
			assert.True(t, f.event("hello", "", 1))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		f.event("last", "", 1)
		f.end()
		copying.Wait()
		assert.Equal(t, []time.Duration{0, time.Second, time.Second + gathering, 2*time.Second + 5*time.Millisecond}, w.at)
		assert.Equal(t, 1, strings.Count(w.texts[1], "event:"))
		assert.Equal(t, 4, strings.Count(w.texts[2], "event:"))
		assert.Equal(t, 1, strings.Count(w.texts[3], "event: last"), "what is left is written before the end")
	})
}
