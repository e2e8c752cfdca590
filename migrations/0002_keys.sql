-- Keys: the credentials of providers. Exactly one of `env`, `file` and `sealed` is set. A sealed secret is encrypted under
-- the master key and bound to its row, so it can be neither read nor written here: use `pointsman key set`.
-- `fingerprint`, `last_four` and `secret_revision` describe the secret and are the server's own.
CREATE TABLE keys (
    provider        TEXT NOT NULL REFERENCES providers (name) DEFERRABLE INITIALLY DEFERRED,
    name            TEXT NOT NULL,
    account         TEXT NOT NULL DEFAULT '',
    enabled         INTEGER NOT NULL DEFAULT 1,
    env             TEXT,
    file            TEXT,
    sealed          BLOB,
    fingerprint     TEXT NOT NULL DEFAULT '',
    last_four       TEXT NOT NULL DEFAULT '',
    secret_revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, name)
) STRICT, WITHOUT ROWID;
