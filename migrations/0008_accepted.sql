-- Accepted: the last form of each resource that validated, as JSON. It is what is served, so that an invalid edit made by
-- hand to the other tables changes nothing until it is put right, even across a restart. The server's own.
CREATE TABLE accepted (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
