package mobile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/peer"
)

const (
	earlier       = 2 * time.Minute  // a token is replaced so long before it expires
	defaultExpiry = 30 * time.Minute // of a token that does not say
)

// accessTokens are the short-lived tokens of a service account. One is fetched
// when it is needed, by whoever needs it first, and used by all until shortly
// before it expires.
type accessTokens struct {
	door   door
	config *jwt.Config

	latest atomic.Pointer[accessToken] // nil if there is none to use
	turn   chan struct{}               // held by who fetches another
}

type accessToken struct {
	text    string
	expires time.Time
}

func (t *accessToken) good() bool { return t != nil && time.Now().Before(t.expires) }

func newAccessTokens(way door, config *jwt.Config) *accessTokens {
	return &accessTokens{door: way, config: config, turn: make(chan struct{}, 1)}
}

// get returns a token, within the time of the context. The error is a
// [notify.DeliveryError].
func (t *accessTokens) get(ctx context.Context) (*accessToken, error) {
	if token := t.latest.Load(); token.good() {
		return token, nil
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, stopped(ctx)
	}
	defer func() { <-t.turn }()
	if token := t.latest.Load(); token.good() {
		return token, nil // somebody else has fetched it meanwhile
	}
	fetched, err := t.fetch(ctx)
	if err != nil {
		return nil, err
	}
	token := &accessToken{fetched.AccessToken, time.Now().Add(defaultExpiry)}
	if !fetched.Expiry.IsZero() {
		token.expires = fetched.Expiry.Add(-earlier)
	}
	t.latest.Store(token)
	return token, nil
}

// drop forgets a token that was refused, unless it has been replaced already.
func (t *accessTokens) drop(token *accessToken) { t.latest.CompareAndSwap(token, nil) }

func (t *accessTokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	door := &tokenDoor{ctx: ctx, door: t.door}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: door, CheckRedirect: useLast})
	token, err := t.config.TokenSource(ctx).Token()
	switch {
	case err == nil && validBearer(token.AccessToken):
		return token, nil
	case door.failure != nil:
		// No push has left, whatever became of the request for the token.
		return nil, &notify.DeliveryError{Err: fmt.Errorf("notify/mobile: no access token: %w", door.failure)}
	}
	f := &notify.DeliveryError{RetryAfter: door.after, Err: fmt.Errorf("notify/mobile: no access token: %03d", door.status)}
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if reason := tokenRefusal(refusal.Body); reason != "" {
			f.Err = fmt.Errorf("%w %s", f.Err, reason)
		}
		if door.status/100 == 4 && door.status != http.StatusTooManyRequests {
			f.Class = notify.Misconfigured // the key was revoked, or the clock is wrong
		}
	}
	return nil, f
}

// tokenRefusal is the code of a refusal (RFC 6749, section 5.2), such as
// invalid_grant.
func tokenRefusal(body []byte) string {
	var refusal struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &refusal) != nil {
		return ""
	}
	return code(refusal.Error)
}

// tokenDoor lets the requests of the OAuth library leave as ours do, within the
// context of the push, and remembers what it tells as text only.
type tokenDoor struct {
	ctx     context.Context
	door    door
	failure error
	status  int
	after   time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (d *tokenDoor) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := d.door.Do(request.WithContext(d.ctx))
	if err != nil {
		if f, ok := errors.AsType[*notify.DeliveryError](err); ok {
			err = f.Err
		}
		d.failure = err
		return nil, err
	}
	d.status, d.after = response.StatusCode, peer.RetryAfter(response.Header, time.Now())
	return response, nil
}

func useLast(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// validBearer tells whether a token can be written into a header.
func validBearer(token string) bool {
	return token != "" && len(token) <= 8<<10 && !strings.ContainsFunc(token, notPrintable)
}

func notPrintable(r rune) bool { return r <= ' ' || r > '~' }
