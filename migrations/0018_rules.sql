-- Rules: which model serves a request, by what the request is. They are asked in order of `position`, then of `name`; the
-- first whose conditions hold fires. `class` is a ready-made condition or empty; `conditions` is what else must hold, and
-- `preferences` what such requests would like: JSON objects in the form of configuration files (`when`, `preferences`).
-- `model` and the JSON list `fallbacks` name models or their aliases. For example:
--   UPDATE rules SET enabled = 0 WHERE name = 'background';
CREATE TABLE rules (
    name        TEXT PRIMARY KEY,
    position    INTEGER NOT NULL DEFAULT 0,
    enabled     INTEGER NOT NULL DEFAULT 1,
    class       TEXT NOT NULL DEFAULT '',
    conditions  TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(conditions)),
    model       TEXT NOT NULL,
    fallbacks   TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(fallbacks)),
    preferences TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(preferences))
) STRICT;
