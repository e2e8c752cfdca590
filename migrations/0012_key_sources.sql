-- Further places where a key's secret may live: exactly one of `env`, `file`, `aws_profile`, `aws_environment` (1),
-- `token_file` and `sealed` is set.
ALTER TABLE keys ADD COLUMN aws_profile     TEXT;
ALTER TABLE keys ADD COLUMN aws_environment INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN token_file      TEXT;
