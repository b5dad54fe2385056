package mobile

import (
	"sync"
	"time"
)

// evidence remembers, for one app, that tokens were accepted lately. Some
// refusals mean a dead token if others of the app work, and a mistake of the
// operator's if none does. It is this process's own view.
type evidence struct {
	mu     sync.Mutex
	latest [2]acceptance // of different tokens, the newest first
}

type acceptance struct {
	token string
	at    time.Time
}

// fresh is how long an acceptance says something about the app.
const fresh = time.Hour

func (e *evidence) accepted(token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.latest[0].token != token {
		e.latest[1] = e.latest[0]
	}
	e.latest[0] = acceptance{token, time.Now()}
}

// others tells whether a token other than this one was accepted lately.
func (e *evidence) others(token string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.latest {
		if a.token != "" && a.token != token && time.Since(a.at) < fresh {
			return true
		}
	}
	return false
}
