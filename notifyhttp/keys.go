package notifyhttp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

// Keys makes, checks and ends the API keys by which integrations send through
// [Ingest]. It is safe for concurrent use, also by several processes on one
// store. A key is a random secret of 256 bits; the store keeps a hash of it, so
// that nobody who reads the store can send.
//
//	keys, err := notifyhttp.NewKeys(store)
//	mux.Handle("/ingest/", notifyhttp.Ingest(center, keys.Who, nil))
type Keys struct {
	store notify.IngestKeyStore

	mu    sync.Mutex
	known map[notify.ID]knownKey
}

type knownKey struct {
	key notify.IngestKey
	at  time.Time
}

// The keys that were seen are remembered for so long: it is how long one that
// was revoked by another process may still work here.
const (
	keyMemory = 3 * time.Second
	maxKnown  = 10_000
)

// NewKeys finds the keys of a store, or of the store that it wraps.
func NewKeys(store notify.Store) (*Keys, error) {
	for store != nil {
		if keys, ok := store.(notify.IngestKeyStore); ok {
			return &Keys{store: keys, known: make(map[notify.ID]knownKey)}, nil
		}
		wrapper, ok := store.(interface{ Unwrap() notify.Store })
		if !ok {
			break
		}
		store = wrapper.Unwrap()
	}
	return nil, fmt.Errorf("notifyhttp: the store keeps no keys: %w", errors.ErrUnsupported)
}

const (
	keyPrefix    = "ntf_"
	secretLength = 32
)

// Create makes a key with which its holder can send in the name of the
// providers, in one tenant. The token is shown this once and never again.
func (k *Keys) Create(ctx context.Context, tenant, name string, providers ...string) (key notify.IngestKey, token string, err error) {
	if len(providers) == 0 {
		return notify.IngestKey{}, "", &notify.InvalidError{Field: "providers", Reason: "none"}
	}
	if len(name) > 190 {
		return notify.IngestKey{}, "", &notify.InvalidError{Field: "name", Reason: "longer than 190 bytes"}
	}
	secret := make([]byte, secretLength)
	_, _ = rand.Read(secret) // documented never to fail
	key = notify.IngestKey{ID: newID(), Tenant: tenant, Name: name, Providers: providers, Hash: hashOf(secret)}
	if err := k.store.AddIngestKey(ctx, key); err != nil {
		return notify.IngestKey{}, "", fmt.Errorf("notifyhttp: create key: %w", err)
	}
	stored, err := k.store.IngestKey(ctx, key.ID)
	if err != nil {
		return notify.IngestKey{}, "", fmt.Errorf("notifyhttp: create key: %w", err)
	}
	return stored, keyPrefix + strings.ReplaceAll(string(key.ID), "-", "") + "_" + base64.RawURLEncoding.EncodeToString(secret), nil
}

// Rotate makes a key with the name and the scope of another, which works for
// overlap longer, so that its holder can change over without a pause.
func (k *Keys) Rotate(ctx context.Context, tenant string, id notify.ID, overlap time.Duration) (key notify.IngestKey, token string, err error) {
	old, err := k.store.IngestKey(ctx, id)
	if err == nil && old.Tenant != tenant {
		err = notify.ErrNotFound
	}
	if err != nil {
		return notify.IngestKey{}, "", fmt.Errorf("notifyhttp: rotate key: %w", err)
	}
	key, token, err = k.Create(ctx, tenant, old.Name, old.Providers...)
	if err != nil {
		return notify.IngestKey{}, "", err
	}
	if err := k.expire(ctx, tenant, id, max(overlap, 0)); err != nil {
		return notify.IngestKey{}, "", fmt.Errorf("notifyhttp: rotate key: %w", err)
	}
	return key, token, nil
}

// Revoke ends a key: here at once, in other processes within five seconds.
func (k *Keys) Revoke(ctx context.Context, tenant string, id notify.ID) error {
	if err := k.expire(ctx, tenant, id, 0); err != nil {
		return fmt.Errorf("notifyhttp: revoke key: %w", err)
	}
	return nil
}

func (k *Keys) expire(ctx context.Context, tenant string, id notify.ID, d time.Duration) error {
	err := k.store.ExpireIngestKey(ctx, tenant, id, d)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, id)
	return err
}

// List returns the keys of a tenant, also those that have expired, without
// their secrets: nobody has those.
func (k *Keys) List(ctx context.Context, tenant string) ([]notify.IngestKey, error) {
	keys, err := k.store.IngestKeys(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("notifyhttp: list keys: %w", err)
	}
	return keys, nil
}

var errNoKey = errors.New("notifyhttp: no valid key")

// Who is the who of [Ingest]: it takes the token from the header
// "Authorization: Bearer". That a key is unknown, wrong or expired gives the
// same error; a store that fails gives its own.
func (k *Keys) Who(r *http.Request) (Integration, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, secret, ok := parseToken(token)
	if !strings.EqualFold(scheme, "Bearer") || !ok {
		return Integration{}, errNoKey
	}
	key, err := k.find(r.Context(), id)
	if errors.Is(err, notify.ErrNotFound) {
		return Integration{}, errNoKey
	}
	if err != nil {
		return Integration{}, &storeError{err}
	}
	if subtle.ConstantTimeCompare([]byte(hashOf(secret)), []byte(key.Hash)) != 1 {
		return Integration{}, errNoKey
	}
	return Integration{ID: string(key.ID), Tenant: key.Tenant, Providers: key.Providers}, nil
}

// storeError tells Ingest that nothing is known about a key.
type storeError struct{ err error }

func (e *storeError) Error() string { return "notifyhttp: read key: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// find asks the store, or remembers.
func (k *Keys) find(ctx context.Context, id notify.ID) (notify.IngestKey, error) {
	k.mu.Lock()
	known, ok := k.known[id]
	k.mu.Unlock()
	if ok && time.Since(known.at) < keyMemory {
		return known.key, nil
	}
	asked := time.Now()
	key, err := k.store.IngestKey(ctx, id)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		delete(k.known, id)
		return notify.IngestKey{}, err
	}
	if len(k.known) >= maxKnown {
		clear(k.known)
	}
	k.known[id] = knownKey{key, asked}
	return key, nil
}

func hashOf(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:])
}

// parseToken takes a token apart; the id in it is no secret.
func parseToken(token string) (id notify.ID, secret []byte, ok bool) {
	rest, ok := strings.CutPrefix(token, keyPrefix)
	digits, text, found := strings.Cut(rest, "_")
	raw, err := hex.DecodeString(digits)
	if !ok || !found || err != nil || len(raw) != 16 || digits != strings.ToLower(digits) {
		return "", nil, false
	}
	secret, err = base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(secret) != secretLength {
		return "", nil, false
	}
	return formatID(raw), secret, true
}

// newID is a random UUID of version 7 (RFC 9562), so that keys are listed as
// they were made.
func newID() notify.ID {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // documented never to fail
	for i, milli := 0, uint64(time.Now().UnixMilli()); i < 6; i++ {
		raw[i] = byte(milli >> (40 - 8*i))
	}
	raw[6], raw[8] = 0x70|raw[6]&0x0f, 0x80|raw[8]&0x3f
	return formatID(raw)
}

func formatID(raw []byte) notify.ID {
	digits := hex.EncodeToString(raw)
	return notify.ID(digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:])
}
