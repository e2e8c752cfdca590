-- Where within its region a provider answers from, as nodes name their zone: for the strategy `geographic`.
ALTER TABLE providers ADD COLUMN zone TEXT NOT NULL DEFAULT '';
