-- +goose Up
-- Times are unix microseconds, 0 is no time. Identifiers compare byte by byte.
-- An id of zeros is none. Columns of fixed width come first, so that rows have
-- no gaps.

CREATE TABLE IF NOT EXISTS {schema} (
  version    integer NOT NULL PRIMARY KEY,
  name       text    NOT NULL,
  checksum   text    NOT NULL,
  compatible integer NOT NULL
);

-- What was sent, once, however many recipients. Audience and recipients are
-- kept while a fan-out is pending.
CREATE TABLE {notification} (
  id          uuid   NOT NULL PRIMARY KEY,
  accepted    bigint NOT NULL,
  withdrawn   bigint NOT NULL,
  expires     bigint NOT NULL,
  tenant      text   COLLATE "C" NOT NULL,
  provider    text   COLLATE "C" NOT NULL,
  dedup       text   COLLATE "C",
  entity      text   COLLATE "C",
  fingerprint text   COLLATE "C" NOT NULL,
  content     text   NOT NULL,
  data        text,
  audience    text   COLLATE "C",
  recipients  text
);
CREATE UNIQUE INDEX {prefix}notification_key ON {notification} (tenant, provider, dedup) WHERE dedup IS NOT NULL;
CREATE INDEX {prefix}notification_entity ON {notification} (tenant, entity) WHERE entity IS NOT NULL;

-- An item starts with the id of its notification, and keeps it when a newer one
-- collapses into it. Unread ones are in one index and the others in another:
-- a new item makes two index entries, of which the first has its place at the
-- end.
CREATE TABLE {item} (
  filed        bigint  NOT NULL,
  seen         bigint  NOT NULL,
  read_at      bigint  NOT NULL,
  archived     bigint  NOT NULL,
  snoozed      bigint  NOT NULL,
  repeats      integer NOT NULL,
  notification uuid    NOT NULL,
  id           uuid    NOT NULL,
  tenant       text    COLLATE "C" NOT NULL,
  recipient    text    COLLATE "C" NOT NULL,
  provider     text    COLLATE "C" NOT NULL,
  slot         text    COLLATE "C",
  PRIMARY KEY (notification, tenant, recipient)
);
CREATE INDEX {prefix}item_unread ON {item} (tenant, recipient, filed, id) INCLUDE (snoozed, seen) WHERE read_at = 0 AND archived = 0;
CREATE INDEX {prefix}item_done ON {item} (tenant, recipient, filed, id) WHERE read_at <> 0 OR archived <> 0;
CREATE UNIQUE INDEX {prefix}item_slot ON {item} (tenant, recipient, provider, slot) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX {prefix}item_collapsed ON {item} (id, tenant, recipient) WHERE id <> notification;
CREATE INDEX {prefix}item_read ON {item} (read_at) WHERE read_at <> 0;
CREATE INDEX {prefix}item_archived ON {item} (archived) WHERE archived <> 0;

-- The outbox. Queue 0 holds fan-outs and sweeps, queue 1 deliveries and digests.
-- Rows come and go, so that it is vacuumed often.
CREATE TABLE {task} (
  filed        bigint   NOT NULL,
  due          bigint   NOT NULL,
  leased_until bigint   NOT NULL,
  epoch        bigint   NOT NULL,
  preferences  bigint   NOT NULL,
  cut          bigint   NOT NULL,
  cut_from     bigint   NOT NULL,
  attempts     integer  NOT NULL,
  queue        smallint NOT NULL,
  lane         smallint NOT NULL,
  bucket       smallint NOT NULL,
  forced       smallint NOT NULL,
  unknown      smallint NOT NULL,
  id           uuid     NOT NULL PRIMARY KEY,
  notification uuid     NOT NULL,
  kind         text     COLLATE "C" NOT NULL,
  tenant       text     COLLATE "C" NOT NULL,
  recipient    text     COLLATE "C" NOT NULL,
  provider     text     COLLATE "C" NOT NULL,
  channel      text     COLLATE "C" NOT NULL,
  accepted     text     NOT NULL,
  progress     text     NOT NULL,
  reason       text     NOT NULL,
  error        text     NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX {prefix}task_ready ON {task} (queue, channel, lane, bucket, due) WHERE leased_until = 0;
CREATE INDEX {prefix}task_leased ON {task} (queue, channel, leased_until) WHERE leased_until <> 0;
CREATE INDEX {prefix}task_digest ON {task} (tenant, recipient, channel) WHERE kind = 'digest';

-- What has become of deliveries that have left the outbox.
CREATE TABLE {delivery} (
  filed        bigint   NOT NULL,
  settled      bigint   NOT NULL,
  epoch        bigint   NOT NULL,
  preferences  bigint   NOT NULL,
  cut          bigint   NOT NULL,
  cut_from     bigint   NOT NULL,
  attempts     integer  NOT NULL,
  lane         smallint NOT NULL,
  bucket       smallint NOT NULL,
  forced       smallint NOT NULL,
  unknown      smallint NOT NULL,
  id           uuid     NOT NULL PRIMARY KEY,
  notification uuid     NOT NULL,
  kind         text     COLLATE "C" NOT NULL,
  tenant       text     COLLATE "C" NOT NULL,
  recipient    text     COLLATE "C" NOT NULL,
  provider     text     COLLATE "C" NOT NULL,
  channel      text     COLLATE "C" NOT NULL,
  status       text     COLLATE "C" NOT NULL,
  accepted     text     NOT NULL,
  reason       text     NOT NULL,
  error        text     NOT NULL
);
CREATE INDEX {prefix}delivery_filed ON {delivery} (filed, id);
CREATE INDEX {prefix}delivery_recipient ON {delivery} (tenant, recipient);
CREATE INDEX {prefix}delivery_notification ON {delivery} (notification);
CREATE INDEX {prefix}delivery_dead ON {delivery} (filed, id) WHERE status = 'dead';

-- Items waiting for a digest (none), or bound to one.
CREATE TABLE {entry} (
  filed        bigint NOT NULL,
  preferences  bigint NOT NULL,
  digest       uuid   NOT NULL,
  item         uuid   NOT NULL,
  notification uuid   NOT NULL,
  tenant       text   COLLATE "C" NOT NULL,
  recipient    text   COLLATE "C" NOT NULL,
  channel      text   COLLATE "C" NOT NULL,
  provider     text   COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, recipient, channel, digest, filed, item, notification)
);

CREATE TABLE {plan} (
  next_cut  bigint NOT NULL,
  last_cut  bigint NOT NULL,
  tenant    text   COLLATE "C" NOT NULL,
  recipient text   COLLATE "C" NOT NULL,
  channel   text   COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, recipient, channel)
) WITH (fillfactor = 80);
CREATE INDEX {prefix}plan_due ON {plan} (channel, next_cut) WHERE next_cut <> 0;

CREATE TABLE {preference} (
  version   bigint NOT NULL,
  tenant    text   COLLATE "C" NOT NULL,
  recipient text   COLLATE "C" NOT NULL,
  document  text   NOT NULL,
  opt_outs  text   NOT NULL,
  PRIMARY KEY (tenant, recipient)
);

-- The hash is that of channel and value: an address belongs to one recipient.
CREATE TABLE {address} (
  registered    bigint NOT NULL,
  last_success  bigint NOT NULL,
  last_error_at bigint NOT NULL,
  id            uuid   NOT NULL PRIMARY KEY,
  hash          text   COLLATE "C" NOT NULL UNIQUE,
  tenant        text   COLLATE "C" NOT NULL,
  recipient     text   COLLATE "C" NOT NULL,
  channel       text   COLLATE "C" NOT NULL,
  value         text   NOT NULL,
  meta          text,
  name          text   NOT NULL,
  locale        text   NOT NULL,
  last_error    text   NOT NULL
);
CREATE INDEX {prefix}address_recipient ON {address} (tenant, recipient, channel);

CREATE TABLE {suppression} (
  since   bigint NOT NULL,
  tenant  text   COLLATE "C" NOT NULL,
  channel text   COLLATE "C" NOT NULL,
  address text   COLLATE "C" NOT NULL,
  proof   text   NOT NULL,
  PRIMARY KEY (tenant, channel, address)
);

CREATE TABLE {pause} (
  since   bigint NOT NULL,
  probe   bigint NOT NULL,
  delay   bigint NOT NULL,
  channel text   COLLATE "C" NOT NULL,
  account text   COLLATE "C" NOT NULL,
  reason  text   NOT NULL,
  PRIMARY KEY (channel, account)
);

-- Recipients that were erased, by a hash that names nobody.
CREATE TABLE {tombstone} (
  since bigint NOT NULL,
  hash  text   COLLATE "C" NOT NULL PRIMARY KEY
);

-- Keys of integrations that send from outside; the secrets are not here.
CREATE TABLE {ingest_key} (
  created   bigint NOT NULL,
  expires   bigint NOT NULL,
  id        uuid   NOT NULL PRIMARY KEY,
  tenant    text   COLLATE "C" NOT NULL,
  name      text   NOT NULL,
  providers text   NOT NULL,
  hash      text   NOT NULL
);
CREATE INDEX {prefix}ingest_key_tenant ON {ingest_key} (tenant, id);
