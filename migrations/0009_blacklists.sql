-- Blacklists: slots that were rate-limited so often that they stay out across a restart. The server's own.
CREATE TABLE blacklists (
    provider      TEXT NOT NULL,
    account       TEXT NOT NULL,
    model         TEXT NOT NULL,
    episode       INTEGER NOT NULL,
    consecutive   INTEGER NOT NULL,
    strikes       INTEGER NOT NULL,
    until_unix_ms INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    PRIMARY KEY (provider, account, model)
) STRICT, WITHOUT ROWID;
