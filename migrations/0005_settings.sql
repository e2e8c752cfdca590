-- Settings: what holds for the whole fleet, in a single row.
CREATE TABLE settings (
    id                    INTEGER PRIMARY KEY CHECK (id = 1),
    client_authentication TEXT NOT NULL DEFAULT '',
    max_attempts          INTEGER
) STRICT;

INSERT INTO settings (id) VALUES (1);
