-- How a model keeps conversations together, sends a second request when the first is late, and heeds rate-limit headers.
-- A NULL `affinity_by` is no affinity; an empty one is `session`. Hedging is on where `hedge_after_ms` or
-- `hedge_percentile` is set; not both may be.
ALTER TABLE models ADD COLUMN affinity_by          TEXT;
ALTER TABLE models ADD COLUMN affinity_header      TEXT NOT NULL DEFAULT '';
ALTER TABLE models ADD COLUMN affinity_max_load    REAL;
ALTER TABLE models ADD COLUMN hedge_after_ms       INTEGER;
ALTER TABLE models ADD COLUMN hedge_percentile     INTEGER;
ALTER TABLE models ADD COLUMN hedge_budget_percent INTEGER;
ALTER TABLE models ADD COLUMN headroom             INTEGER NOT NULL DEFAULT 0;
