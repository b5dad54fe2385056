package storetest

import (
	"errors"
	"time"

	"github.com/bellwether-go/notify"
)

var ingestKeyChecks = []check{
	{"ingest keys/what was added is found", ingestKeyFound},
	{"ingest keys/an id is taken once", ingestKeyTaken},
	{"ingest keys/an expired one is found no more", ingestKeyExpired},
	{"ingest keys/expiry is brought forward only", ingestKeyForward},
	{"ingest keys/tenants are apart", ingestKeyTenants},
	{"ingest keys/listed by id, expired ones too", ingestKeyListed},
}

// ingestKey is a key of the tenant acme.
func (s *scene) ingestKey() notify.IngestKey {
	return notify.IngestKey{ID: s.id(), Tenant: "acme", Name: "CRM, Ümläut", Providers: []string{"billing", "Chats"}, Hash: "0a1b"}
}

func (s *scene) keys() notify.IngestKeyStore {
	return role[notify.IngestKeyStore](s, "IngestKeyStore")
}

func (s *scene) noKey(id notify.ID) {
	if _, err := s.keys().IngestKey(s.ctx, id); !errors.Is(err, notify.ErrNotFound) {
		s.fail("IngestKey returns %v, want ErrNotFound", err)
	}
}

func ingestKeyFound(s *scene) {
	k := s.ingestKey()
	k.Expires = s.now().Add(time.Hour)
	s.during("Created", func() time.Time {
		s.ok(s.keys().AddIngestKey(s.ctx, k), "AddIngestKey")
		got, err := s.keys().IngestKey(s.ctx, k.ID)
		s.ok(err, "IngestKey")
		k.Created = got.Created
		equal(s, "key", got, k)
		got.Providers[0] = "changed"
		again, err := s.keys().IngestKey(s.ctx, k.ID)
		s.ok(err, "IngestKey")
		equal(s, "key after its caller changed it", again, k)
		return got.Created
	})
	s.noKey(s.id())
}

func ingestKeyTaken(s *scene) {
	k := s.ingestKey()
	s.ok(s.keys().AddIngestKey(s.ctx, k), "AddIngestKey")
	other := k
	other.Tenant, other.Hash = "globex", "ffff"
	if err := s.keys().AddIngestKey(s.ctx, other); !errors.Is(err, notify.ErrConflict) {
		s.fail("AddIngestKey with an id that is taken returns %v, want ErrConflict", err)
	}
	got, err := s.keys().IngestKey(s.ctx, k.ID)
	s.ok(err, "IngestKey")
	equal(s, "hash", got.Hash, k.Hash)
}

func ingestKeyExpired(s *scene) {
	later, now := s.ingestKey(), s.ingestKey()
	later.Expires = s.now().Add(time.Hour)
	for _, k := range []notify.IngestKey{later, now} {
		s.ok(s.keys().AddIngestKey(s.ctx, k), "AddIngestKey")
	}
	s.ok(s.keys().ExpireIngestKey(s.ctx, "acme", now.ID, 0), "ExpireIngestKey")
	s.noKey(now.ID)
	_, err := s.keys().IngestKey(s.ctx, later.ID)
	s.ok(err, "IngestKey before it expires")
	s.Advance(2 * time.Hour)
	s.noKey(later.ID)
}

func ingestKeyForward(s *scene) {
	k := s.ingestKey()
	s.ok(s.keys().AddIngestKey(s.ctx, k), "AddIngestKey")
	s.ok(s.keys().ExpireIngestKey(s.ctx, "acme", k.ID, time.Hour), "ExpireIngestKey")
	s.ok(s.keys().ExpireIngestKey(s.ctx, "acme", k.ID, 10*time.Hour), "ExpireIngestKey")
	s.Advance(2 * time.Hour)
	s.noKey(k.ID)
	s.ok(s.keys().ExpireIngestKey(s.ctx, "acme", k.ID, time.Hour), "ExpireIngestKey of one that has expired")
	s.noKey(k.ID)
	if err := s.keys().ExpireIngestKey(s.ctx, "acme", s.id(), 0); !errors.Is(err, notify.ErrNotFound) {
		s.fail("ExpireIngestKey of an unknown one returns %v, want ErrNotFound", err)
	}
}

func ingestKeyTenants(s *scene) {
	k := s.ingestKey()
	s.ok(s.keys().AddIngestKey(s.ctx, k), "AddIngestKey")
	for _, tenant := range []string{"globex", "ACME", ""} {
		if err := s.keys().ExpireIngestKey(s.ctx, tenant, k.ID, 0); !errors.Is(err, notify.ErrNotFound) {
			s.fail("ExpireIngestKey of another tenant's returns %v, want ErrNotFound", err)
		}
		list, err := s.keys().IngestKeys(s.ctx, tenant)
		s.ok(err, "IngestKeys")
		equal(s, "keys of another tenant", len(list), 0)
	}
	_, err := s.keys().IngestKey(s.ctx, k.ID)
	s.ok(err, "IngestKey")
}

func ingestKeyListed(s *scene) {
	var want []notify.ID
	for range 3 {
		k := s.ingestKey()
		want = append(want, k.ID)
		s.ok(s.keys().AddIngestKey(s.ctx, k), "AddIngestKey")
	}
	s.ok(s.keys().ExpireIngestKey(s.ctx, "acme", want[1], 0), "ExpireIngestKey")
	list, err := s.keys().IngestKeys(s.ctx, "acme")
	s.ok(err, "IngestKeys")
	var got []notify.ID
	for _, k := range list {
		got = append(got, k.ID)
	}
	equal(s, "ids", got, want)
	equal(s, "has expired", list[1].Expires.IsZero(), false)
}
