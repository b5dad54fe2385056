-- +goose Up
-- Times are unix microseconds, 0 is no time. Identifiers are bytes, so that they
-- compare byte by byte. An id is the 16 bytes of a UUID; zeros are none. There
-- are no transactions around these statements: each can be run again.

CREATE TABLE IF NOT EXISTS {schema} (
  version    INTEGER NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL,
  checksum   TEXT    NOT NULL,
  compatible INTEGER NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was sent, once, however many recipients. Audience and recipients are
-- kept while a fan-out is pending.
CREATE TABLE IF NOT EXISTS {notification} (
  id          BINARY(16)     NOT NULL PRIMARY KEY,
  tenant      VARBINARY(190) NOT NULL,
  provider    VARBINARY(190) NOT NULL,
  dedup       VARBINARY(190),
  fingerprint VARBINARY(190) NOT NULL,
  entity      VARBINARY(190),
  accepted    BIGINT         NOT NULL,
  withdrawn   BIGINT         NOT NULL,
  expires     BIGINT         NOT NULL,
  content     MEDIUMTEXT     NOT NULL,
  data        MEDIUMTEXT,
  audience    VARBINARY(190),
  recipients  LONGTEXT,
  UNIQUE KEY {prefix}notification_key (tenant, provider, dedup),
  KEY {prefix}notification_entity (tenant, entity)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The primary key is the order of the page. An item starts with the id of its
-- notification, and keeps it when a newer one collapses into it.
CREATE TABLE IF NOT EXISTS {item} (
  tenant       VARBINARY(190) NOT NULL,
  recipient    VARBINARY(190) NOT NULL,
  filed        BIGINT         NOT NULL,
  id           BINARY(16)     NOT NULL,
  notification BINARY(16)     NOT NULL,
  provider     VARBINARY(190) NOT NULL,
  slot         VARBINARY(190),
  seen         BIGINT         NOT NULL,
  read_at      BIGINT         NOT NULL,
  archived     BIGINT         NOT NULL,
  snoozed      BIGINT         NOT NULL,
  repeats      INTEGER        NOT NULL,
  collapsed    BINARY(16) AS (CASE WHEN id <> notification THEN id END) VIRTUAL,
  PRIMARY KEY (tenant, recipient, filed, id),
  UNIQUE KEY {prefix}item_notification (notification, tenant, recipient),
  KEY {prefix}item_unread (tenant, recipient, read_at, archived, filed, id, snoozed, seen),
  UNIQUE KEY {prefix}item_slot (tenant, recipient, provider, slot),
  KEY {prefix}item_collapsed (collapsed),
  KEY {prefix}item_done (read_at, archived)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The outbox. Queue 0 holds fan-outs and sweeps, queue 1 deliveries and digests.
CREATE TABLE IF NOT EXISTS {task} (
  id           BINARY(16)     NOT NULL PRIMARY KEY,
  queue        TINYINT        NOT NULL,
  kind         VARBINARY(32)  NOT NULL,
  tenant       VARBINARY(190) NOT NULL,
  recipient    VARBINARY(190) NOT NULL,
  notification BINARY(16)     NOT NULL,
  provider     VARBINARY(190) NOT NULL,
  channel      VARBINARY(190) NOT NULL,
  lane         TINYINT        NOT NULL,
  bucket       SMALLINT       NOT NULL,
  forced       TINYINT        NOT NULL,
  preferences  BIGINT         NOT NULL,
  filed        BIGINT         NOT NULL,
  due          BIGINT         NOT NULL,
  leased_until BIGINT         NOT NULL,
  epoch        BIGINT         NOT NULL,
  attempts     INTEGER        NOT NULL,
  accepted     MEDIUMTEXT     NOT NULL,
  unknown      TINYINT        NOT NULL,
  progress     TEXT           NOT NULL,
  cut          BIGINT         NOT NULL,
  cut_from     BIGINT         NOT NULL,
  reason       TEXT           NOT NULL,
  error        TEXT           NOT NULL,
  KEY {prefix}task_ready (queue, channel, lane, leased_until, bucket, due),
  KEY {prefix}task_recipient (tenant, recipient, channel),
  KEY {prefix}task_notification (notification)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What has become of deliveries that have left the outbox.
CREATE TABLE IF NOT EXISTS {delivery} (
  id           BINARY(16)     NOT NULL PRIMARY KEY,
  filed        BIGINT         NOT NULL,
  kind         VARBINARY(32)  NOT NULL,
  tenant       VARBINARY(190) NOT NULL,
  recipient    VARBINARY(190) NOT NULL,
  notification BINARY(16)     NOT NULL,
  provider     VARBINARY(190) NOT NULL,
  channel      VARBINARY(190) NOT NULL,
  lane         TINYINT        NOT NULL,
  bucket       SMALLINT       NOT NULL,
  forced       TINYINT        NOT NULL,
  preferences  BIGINT         NOT NULL,
  epoch        BIGINT         NOT NULL,
  attempts     INTEGER        NOT NULL,
  accepted     MEDIUMTEXT     NOT NULL,
  unknown      TINYINT        NOT NULL,
  cut          BIGINT         NOT NULL,
  cut_from     BIGINT         NOT NULL,
  status       VARBINARY(32)  NOT NULL,
  reason       TEXT           NOT NULL,
  error        TEXT           NOT NULL,
  settled      BIGINT         NOT NULL,
  KEY {prefix}delivery_filed (filed, id),
  KEY {prefix}delivery_recipient (tenant, recipient),
  KEY {prefix}delivery_notification (notification),
  KEY {prefix}delivery_status (status, filed, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Items waiting for a digest (none), or bound to one.
CREATE TABLE IF NOT EXISTS {entry} (
  tenant       VARBINARY(190) NOT NULL,
  recipient    VARBINARY(190) NOT NULL,
  channel      VARBINARY(190) NOT NULL,
  digest       BINARY(16)     NOT NULL,
  filed        BIGINT         NOT NULL,
  item         BINARY(16)     NOT NULL,
  notification BINARY(16)     NOT NULL,
  provider     VARBINARY(190) NOT NULL,
  preferences  BIGINT         NOT NULL,
  PRIMARY KEY (tenant, recipient, channel, digest, filed, item, notification)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {plan} (
  tenant    VARBINARY(190) NOT NULL,
  recipient VARBINARY(190) NOT NULL,
  channel   VARBINARY(190) NOT NULL,
  next_cut  BIGINT         NOT NULL,
  last_cut  BIGINT         NOT NULL,
  PRIMARY KEY (tenant, recipient, channel),
  KEY {prefix}plan_due (channel, next_cut)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {preference} (
  tenant    VARBINARY(190) NOT NULL,
  recipient VARBINARY(190) NOT NULL,
  version   BIGINT         NOT NULL,
  document  LONGTEXT       NOT NULL,
  opt_outs  LONGTEXT       NOT NULL,
  PRIMARY KEY (tenant, recipient)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The hash is that of channel and value: an address belongs to one recipient.
CREATE TABLE IF NOT EXISTS {address} (
  id            BINARY(16)     NOT NULL PRIMARY KEY,
  hash          VARBINARY(64)  NOT NULL,
  tenant        VARBINARY(190) NOT NULL,
  recipient     VARBINARY(190) NOT NULL,
  channel       VARBINARY(190) NOT NULL,
  value         TEXT           NOT NULL,
  meta          MEDIUMTEXT,
  name          TEXT           NOT NULL,
  locale        TEXT           NOT NULL,
  registered    BIGINT         NOT NULL,
  last_success  BIGINT         NOT NULL,
  last_error    TEXT           NOT NULL,
  last_error_at BIGINT         NOT NULL,
  UNIQUE KEY {prefix}address_hash (hash),
  KEY {prefix}address_recipient (tenant, recipient, channel)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {suppression} (
  tenant  VARBINARY(190)  NOT NULL,
  channel VARBINARY(190)  NOT NULL,
  address VARBINARY(2048) NOT NULL,
  proof   TEXT            NOT NULL,
  since   BIGINT          NOT NULL,
  PRIMARY KEY (tenant, channel, address)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {pause} (
  channel VARBINARY(190)  NOT NULL,
  account VARBINARY(2048) NOT NULL,
  reason  TEXT            NOT NULL,
  since   BIGINT          NOT NULL,
  probe   BIGINT          NOT NULL,
  delay   BIGINT          NOT NULL,
  PRIMARY KEY (channel, account)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Recipients that were erased, by a hash that names nobody.
CREATE TABLE IF NOT EXISTS {tombstone} (
  hash  VARBINARY(64) NOT NULL PRIMARY KEY,
  since BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Keys of integrations that send from outside; the secrets are not here.
CREATE TABLE IF NOT EXISTS {ingest_key} (
  id        BINARY(16)     NOT NULL PRIMARY KEY,
  tenant    VARBINARY(190) NOT NULL,
  name      TEXT           NOT NULL,
  providers TEXT           NOT NULL,
  hash      TEXT           NOT NULL,
  created   BIGINT         NOT NULL,
  expires   BIGINT         NOT NULL,
  KEY {prefix}ingest_key_tenant (tenant, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
