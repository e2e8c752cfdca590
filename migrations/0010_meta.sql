-- Meta: who this database is. `generation` is random and tells histories apart; `term` grows at each start; `version`
-- counts configurations; `pepper` keys the digests and is sealed under the master key, so that a wrong one is noticed.
CREATE TABLE meta (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    term       INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    pepper     BLOB NOT NULL
) STRICT;
