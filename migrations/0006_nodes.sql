-- Nodes: the data-plane processes that may join. Only the HMAC-SHA-256 of a join token is kept; it is good for the node of
-- that name alone. Nodes are no part of the configuration that nodes receive, so a change here makes no version.
CREATE TABLE nodes (
    name         TEXT PRIMARY KEY,
    zone         TEXT NOT NULL DEFAULT '',
    token_digest BLOB NOT NULL
) STRICT;
