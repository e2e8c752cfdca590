-- What the requests of a virtual key would like, as a JSON object in the form of configuration files. For example:
--   UPDATE virtual_keys SET preferences = json_set(preferences, '$.priority', 'low') WHERE name = 'batch';
ALTER TABLE virtual_keys ADD COLUMN preferences TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(preferences));
