-- Models: the names that clients ask for. `fallbacks` and `aliases` are JSON lists of names.
CREATE TABLE models (
    name      TEXT PRIMARY KEY,
    strategy  TEXT NOT NULL DEFAULT 'weighted_random',
    enabled   INTEGER NOT NULL DEFAULT 1,
    fallbacks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(fallbacks)),
    aliases   TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(aliases))
) STRICT;

-- Backends: the lines of a model, in order of `position`. For example:
--   UPDATE backends SET weight = 40 WHERE model = 'gpt-4' AND provider = 'openai';
-- An empty `upstream_model` is the model's own name; a NULL weight is 1.
CREATE TABLE backends (
    model          TEXT NOT NULL REFERENCES models (name) ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    position       INTEGER NOT NULL DEFAULT 1000000,
    provider       TEXT NOT NULL REFERENCES providers (name) DEFERRABLE INITIALLY DEFERRED,
    upstream_model TEXT NOT NULL DEFAULT '',
    weight         REAL,
    priority       INTEGER NOT NULL DEFAULT 0,
    enabled        INTEGER NOT NULL DEFAULT 1,
    tags           TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
    PRIMARY KEY (model, provider, upstream_model)
) STRICT, WITHOUT ROWID;

-- Deferred foreign keys look up the lines of a provider that goes.
CREATE INDEX backends_by_provider ON backends (provider);
