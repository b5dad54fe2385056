package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// onKey changes a key as it is found.
func onKey(edit func(k *notify.IngestKey)) alter {
	return func(b *bench) {
		next := b.key
		b.key = func(ctx context.Context, id notify.ID) (notify.IngestKey, error) {
			k, err := next(ctx, id)
			edit(&k)
			return k, err
		}
	}
}

var brokenIngestKeys = []broken{
	{"loses the providers of a key", onKey(func(k *notify.IngestKey) { k.Providers = nil }), []string{"ingest keys/what was added is found"}},
	{"loses when a key expires", onKey(func(k *notify.IngestKey) { k.Expires = time.Time{} }), []string{"ingest keys/what was added is found"}},
	{"keeps a second key under the same id", func(b *bench) {
		b.addKey = func(ctx context.Context, k notify.IngestKey) error {
			_ = b.m.AddIngestKey(ctx, k)
			return nil
		}
	}, []string{"ingest keys/an id is taken once"}},
	{"finds keys that have expired", func(b *bench) {
		b.key = func(ctx context.Context, id notify.ID) (notify.IngestKey, error) {
			all, err := b.m.IngestKeys(ctx, "acme")
			if i := slices.IndexFunc(all, func(k notify.IngestKey) bool { return k.ID == id }); i >= 0 {
				return all[i], nil
			}
			if err == nil {
				err = notify.ErrNotFound
			}
			return notify.IngestKey{}, err
		}
	}, []string{"ingest keys/an expired one is found no more", "ingest keys/expiry is brought forward only"}},
	{"lets a key live longer", func(b *bench) {
		next := b.expireKey
		b.expireKey = func(ctx context.Context, tenant string, id notify.ID, d time.Duration) error {
			if d > time.Hour {
				return nil
			}
			return next(ctx, tenant, id, 10*d)
		}
	}, []string{"ingest keys/expiry is brought forward only"}},
	{"expires keys of other tenants", func(b *bench) {
		next := b.expireKey
		b.expireKey = func(ctx context.Context, _ string, id notify.ID, d time.Duration) error {
			return next(ctx, "acme", id, d)
		}
	}, []string{"ingest keys/tenants are apart"}},
	{"leaves expired keys out of the list", func(b *bench) {
		next := b.listKeys
		b.listKeys = func(ctx context.Context, tenant string) ([]notify.IngestKey, error) {
			all, err := next(ctx, tenant)
			return slices.DeleteFunc(all, func(k notify.IngestKey) bool { return !k.Expires.IsZero() }), err
		}
	}, []string{"ingest keys/listed by id, expired ones too"}},
}
