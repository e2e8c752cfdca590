-- Endpoints by name, and what protocols besides OpenAI's need to be told of a provider. An empty text is the preset's or the
-- protocol's own value; a NULL `compatible` follows from the host. A row that names a preset has an empty `base_url`, unless
-- that overrides the preset's, and an empty `protocol`.
ALTER TABLE providers ADD COLUMN preset      TEXT NOT NULL DEFAULT '';
ALTER TABLE providers ADD COLUMN api         TEXT NOT NULL DEFAULT '';
ALTER TABLE providers ADD COLUMN api_version TEXT NOT NULL DEFAULT '';
ALTER TABLE providers ADD COLUMN compatible  INTEGER;
ALTER TABLE providers ADD COLUMN token_url   TEXT NOT NULL DEFAULT '';
