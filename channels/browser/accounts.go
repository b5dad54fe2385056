package browser

import (
	"sync"
	"time"
)

// account is how a push service knows the host: by the pair of keys.
type account struct {
	host string
	pair string
}

const (
	proofLasts  = 10 * time.Minute
	maxAccounts = 256
)

// accounts remembers where the host was accepted lately. The zero value knows
// nothing.
type accounts struct {
	mu       sync.Mutex
	accepted map[account]time.Time
}

// worked notes that a push service has accepted a message.
func (a *accounts) worked(at account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.accepted == nil {
		a.accepted = make(map[account]time.Time)
	}
	now := time.Now()
	if _, known := a.accepted[at]; !known && len(a.accepted) >= maxAccounts {
		for other, when := range a.accepted {
			if now.Sub(when) > proofLasts {
				delete(a.accepted, other)
			}
		}
		if len(a.accepted) >= maxAccounts {
			return // strangers may bring any number of hosts
		}
	}
	a.accepted[at] = now
}

// proven tells whether the service has accepted a message of this account
// lately, so that the account cannot be what it refuses.
func (a *accounts) proven(at account) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	when, ok := a.accepted[at]
	return ok && time.Since(when) <= proofLasts
}
