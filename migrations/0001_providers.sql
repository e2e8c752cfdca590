-- Providers: one row per upstream. NULL in a column means the server's default, which `pointsman provider get` and the
-- comments of schema/pointsman/admin/v1/resources.proto state. Times are whole milliseconds.
--
-- These tables may be edited with the sqlite3 shell while the server runs. It notices, validates the result, and serves it
-- as a new version by the actor `external`; what does not validate is reported and not served.
CREATE TABLE providers (
    name                    TEXT PRIMARY KEY,
    protocol                TEXT NOT NULL DEFAULT 'openai',
    base_url                TEXT NOT NULL,
    enabled                 INTEGER NOT NULL DEFAULT 1,
    region                  TEXT NOT NULL DEFAULT '',
    max_concurrent_requests INTEGER,
    connect_timeout_ms      INTEGER,
    first_byte_timeout_ms   INTEGER,
    idle_timeout_ms         INTEGER,
    failure_threshold       INTEGER,
    success_threshold       INTEGER,
    reset_timeout_ms        INTEGER,
    monitoring_period_ms    INTEGER,
    cooldown_ms             INTEGER,
    blacklist_after         INTEGER,
    blacklist_for_ms        INTEGER,
    blacklist_max_ms        INTEGER,
    slow_start_ms           INTEGER
) STRICT;
