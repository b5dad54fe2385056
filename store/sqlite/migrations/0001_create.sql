-- +goose Up
-- Times are unix microseconds, 0 is no time. Identifiers compare byte by byte.

CREATE TABLE IF NOT EXISTS {schema} (
  version    INTEGER NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL,
  checksum   TEXT    NOT NULL,
  compatible INTEGER NOT NULL
);

-- What was sent, once, however many recipients. Audience and recipients are
-- kept while a fan-out is pending; they stand last because they can be long.
CREATE TABLE {notification} (
  id          TEXT    NOT NULL PRIMARY KEY,
  tenant      TEXT    NOT NULL,
  provider    TEXT    NOT NULL,
  dedup       TEXT,
  fingerprint TEXT    NOT NULL,
  entity      TEXT,
  accepted    INTEGER NOT NULL,
  withdrawn   INTEGER NOT NULL,
  expires     INTEGER NOT NULL,
  content     TEXT    NOT NULL,
  data        TEXT,
  audience    TEXT,
  recipients  TEXT
);
CREATE UNIQUE INDEX {notification}_key ON {notification} (tenant, provider, dedup) WHERE dedup IS NOT NULL;
CREATE INDEX {notification}_entity ON {notification} (tenant, entity) WHERE entity IS NOT NULL;

-- The primary key is the order of the page. An item starts with the id of its
-- notification, and keeps it when a newer one collapses into it.
CREATE TABLE {item} (
  tenant       TEXT    NOT NULL,
  recipient    TEXT    NOT NULL,
  filed        INTEGER NOT NULL,
  id           TEXT    NOT NULL,
  notification TEXT    NOT NULL,
  provider     TEXT    NOT NULL,
  slot         TEXT,
  seen         INTEGER NOT NULL,
  read_at      INTEGER NOT NULL,
  archived     INTEGER NOT NULL,
  snoozed      INTEGER NOT NULL,
  repeats      INTEGER NOT NULL,
  PRIMARY KEY (tenant, recipient, filed, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX {item}_notification ON {item} (notification, tenant, recipient);
CREATE INDEX {item}_unread ON {item} (tenant, recipient, filed, id, snoozed, seen) WHERE read_at = 0 AND archived = 0;
CREATE UNIQUE INDEX {item}_slot ON {item} (tenant, recipient, provider, slot) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX {item}_collapsed ON {item} (id, tenant, recipient) WHERE id <> notification;
CREATE INDEX {item}_read ON {item} (read_at) WHERE read_at <> 0;
CREATE INDEX {item}_archived ON {item} (archived) WHERE archived <> 0;

-- The outbox. Queue 0 holds fan-outs and sweeps, queue 1 deliveries and digests.
CREATE TABLE {task} (
  id           TEXT    NOT NULL PRIMARY KEY,
  queue        INTEGER NOT NULL,
  kind         TEXT    NOT NULL,
  tenant       TEXT    NOT NULL,
  recipient    TEXT    NOT NULL,
  notification TEXT    NOT NULL,
  provider     TEXT    NOT NULL,
  channel      TEXT    NOT NULL,
  lane         INTEGER NOT NULL,
  bucket       INTEGER NOT NULL,
  forced       INTEGER NOT NULL,
  preferences  INTEGER NOT NULL,
  filed        INTEGER NOT NULL,
  due          INTEGER NOT NULL,
  leased_until INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  attempts     INTEGER NOT NULL,
  accepted     TEXT    NOT NULL,
  unknown      INTEGER NOT NULL,
  progress     TEXT    NOT NULL,
  cut          INTEGER NOT NULL,
  cut_from     INTEGER NOT NULL,
  reason       TEXT    NOT NULL,
  error        TEXT    NOT NULL
);
CREATE INDEX {task}_ready ON {task} (queue, channel, lane, bucket, due) WHERE leased_until = 0;
CREATE INDEX {task}_leased ON {task} (queue, channel, leased_until) WHERE leased_until <> 0;
CREATE INDEX {task}_recipient ON {task} (tenant, recipient, channel) WHERE queue = 1;

-- What has become of deliveries that have left the outbox.
CREATE TABLE {delivery} (
  filed        INTEGER NOT NULL,
  id           TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  tenant       TEXT    NOT NULL,
  recipient    TEXT    NOT NULL,
  notification TEXT    NOT NULL,
  provider     TEXT    NOT NULL,
  channel      TEXT    NOT NULL,
  lane         INTEGER NOT NULL,
  bucket       INTEGER NOT NULL,
  forced       INTEGER NOT NULL,
  preferences  INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  attempts     INTEGER NOT NULL,
  accepted     TEXT    NOT NULL,
  unknown      INTEGER NOT NULL,
  cut          INTEGER NOT NULL,
  cut_from     INTEGER NOT NULL,
  status       TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  error        TEXT    NOT NULL,
  settled      INTEGER NOT NULL,
  PRIMARY KEY (filed, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX {delivery}_id ON {delivery} (id);
CREATE INDEX {delivery}_recipient ON {delivery} (tenant, recipient, filed, id);
CREATE INDEX {delivery}_notification ON {delivery} (notification);
CREATE INDEX {delivery}_dead ON {delivery} (filed, id) WHERE status = 'dead';

-- Items waiting for a digest (digest ''), or bound to one.
CREATE TABLE {entry} (
  tenant       TEXT    NOT NULL,
  recipient    TEXT    NOT NULL,
  channel      TEXT    NOT NULL,
  digest       TEXT    NOT NULL,
  filed        INTEGER NOT NULL,
  item         TEXT    NOT NULL,
  notification TEXT    NOT NULL,
  provider     TEXT    NOT NULL,
  preferences  INTEGER NOT NULL,
  PRIMARY KEY (tenant, recipient, channel, digest, filed, item, notification)
) WITHOUT ROWID;

CREATE TABLE {plan} (
  tenant    TEXT    NOT NULL,
  recipient TEXT    NOT NULL,
  channel   TEXT    NOT NULL,
  next_cut  INTEGER NOT NULL,
  last_cut  INTEGER NOT NULL,
  PRIMARY KEY (tenant, recipient, channel)
) WITHOUT ROWID;
CREATE INDEX {plan}_due ON {plan} (channel, next_cut) WHERE next_cut <> 0;

CREATE TABLE {preference} (
  tenant    TEXT    NOT NULL,
  recipient TEXT    NOT NULL,
  version   INTEGER NOT NULL,
  document  TEXT    NOT NULL,
  opt_outs  TEXT    NOT NULL,
  PRIMARY KEY (tenant, recipient)
) WITHOUT ROWID;

-- The hash is that of channel and value: an address belongs to one recipient.
CREATE TABLE {address} (
  id            TEXT    NOT NULL PRIMARY KEY,
  hash          TEXT    NOT NULL UNIQUE,
  tenant        TEXT    NOT NULL,
  recipient     TEXT    NOT NULL,
  channel       TEXT    NOT NULL,
  value         TEXT    NOT NULL,
  meta          TEXT,
  name          TEXT    NOT NULL,
  locale        TEXT    NOT NULL,
  registered    INTEGER NOT NULL,
  last_success  INTEGER NOT NULL,
  last_error    TEXT    NOT NULL,
  last_error_at INTEGER NOT NULL
);
CREATE INDEX {address}_recipient ON {address} (tenant, recipient, channel);

CREATE TABLE {suppression} (
  tenant  TEXT    NOT NULL,
  channel TEXT    NOT NULL,
  address TEXT    NOT NULL,
  proof   TEXT    NOT NULL,
  since   INTEGER NOT NULL,
  PRIMARY KEY (tenant, channel, address)
) WITHOUT ROWID;

CREATE TABLE {pause} (
  channel TEXT    NOT NULL,
  account TEXT    NOT NULL,
  reason  TEXT    NOT NULL,
  since   INTEGER NOT NULL,
  probe   INTEGER NOT NULL,
  delay   INTEGER NOT NULL,
  PRIMARY KEY (channel, account)
) WITHOUT ROWID;

-- Recipients that were erased, by a hash that names nobody.
CREATE TABLE {tombstone} (
  hash  TEXT    NOT NULL PRIMARY KEY,
  since INTEGER NOT NULL
) WITHOUT ROWID;

-- Keys of integrations that send from outside; the secrets are not here.
CREATE TABLE {ingest_key} (
  id        TEXT    NOT NULL PRIMARY KEY,
  tenant    TEXT    NOT NULL,
  name      TEXT    NOT NULL,
  providers TEXT    NOT NULL,
  hash      TEXT    NOT NULL,
  created   INTEGER NOT NULL,
  expires   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX {ingest_key}_tenant ON {ingest_key} (tenant, id);
