-- Active health checks of providers. A NULL `check_kind` is no check, and the rest then means nothing; an empty one is
-- `models`. For example, to open a connection every ten seconds:
--   UPDATE providers SET check_kind = 'tcp', check_interval_ms = 10000 WHERE name = 'openai';
ALTER TABLE providers ADD COLUMN check_kind        TEXT;
ALTER TABLE providers ADD COLUMN check_interval_ms INTEGER;
ALTER TABLE providers ADD COLUMN check_timeout_ms  INTEGER;
ALTER TABLE providers ADD COLUMN check_retries     INTEGER;
ALTER TABLE providers ADD COLUMN check_path        TEXT NOT NULL DEFAULT '';
ALTER TABLE providers ADD COLUMN check_model       TEXT NOT NULL DEFAULT '';
