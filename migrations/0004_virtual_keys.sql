-- Virtual keys: the credentials of clients. Only the HMAC-SHA-256 of a token is kept, under a pepper that is sealed in
-- `meta`, so a token cannot be made here: use `pointsman virtual-key create`. Deleting a row revokes it.
-- `tags` and `allowed_models` are JSON lists; an empty list of models allows every one.
CREATE TABLE virtual_keys (
    name           TEXT PRIMARY KEY,
    enabled        INTEGER NOT NULL DEFAULT 1,
    tags           TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
    allowed_models TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(allowed_models)),
    expire_time_ms INTEGER,
    digest         BLOB NOT NULL UNIQUE,
    last_four      TEXT NOT NULL DEFAULT ''
) STRICT;
