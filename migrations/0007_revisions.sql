-- Revisions: the journal of accepted edits, one row per version. `changes` is a JSON list of {id, before, after}, with
-- secrets in their sealed form alone, so that a rollback can bring a deleted key back.
CREATE TABLE revisions (
    version       INTEGER PRIMARY KEY,
    actor         TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    summary       TEXT NOT NULL,
    changes       TEXT NOT NULL
) STRICT;
