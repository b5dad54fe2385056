package notify

import (
	"context"
	"time"
)

// IngestKey lets an integration outside of this program send notifications, in
// the name of some providers of one tenant. The store has only a hash of its
// secret. Package notifyhttp makes and checks keys.
type IngestKey struct {
	ID        ID
	Tenant    string
	Name      string   // for people: "CRM, production"
	Providers []string // in whose name it may send
	Hash      string   // of the secret, hexadecimal
	Created   time.Time
	Expires   time.Time // zero: never
}

// IngestKeyStore is an optional role of a store: keeping the keys of
// integrations.
type IngestKeyStore interface {
	// AddIngestKey stores a new key; ErrConflict if its id is taken. Created
	// is the present instant, whatever k says.
	AddIngestKey(ctx context.Context, k IngestKey) error
	// IngestKey returns a key; ErrNotFound if there is none or it has expired.
	IngestKey(ctx context.Context, id ID) (IngestKey, error)
	// IngestKeys lists the keys of a tenant, by id, also those that have
	// expired.
	IngestKeys(ctx context.Context, tenant string) ([]IngestKey, error)
	// ExpireIngestKey lets a key of the tenant expire in d from now; one that
	// expires before keeps its instant. ErrNotFound if the tenant has none
	// with that id.
	ExpireIngestKey(ctx context.Context, tenant string, id ID, d time.Duration) error
}
