-- What a line of a model can be given, what it costs, how good it is and where it answers from. NULL means: not said.
-- Capabilities are 0 or 1, and taken for granted where nothing is said. Prices are per million tokens; without
-- `price_input` and `price_output` there is no price, which is another thing than 0. An empty `quality` is `standard`, an
-- empty `region` the provider's. For example:
--   UPDATE backends SET price_input = 2.5, price_output = 10 WHERE provider = 'openai' AND upstream_model = 'gpt-4o';
ALTER TABLE backends ADD COLUMN tools              INTEGER;
ALTER TABLE backends ADD COLUMN vision             INTEGER;
ALTER TABLE backends ADD COLUMN thinking           INTEGER;
ALTER TABLE backends ADD COLUMN json_schema        INTEGER;
ALTER TABLE backends ADD COLUMN context_window     INTEGER;
ALTER TABLE backends ADD COLUMN price_input        REAL;
ALTER TABLE backends ADD COLUMN price_output       REAL;
ALTER TABLE backends ADD COLUMN price_cached_input REAL;
ALTER TABLE backends ADD COLUMN quality            TEXT NOT NULL DEFAULT '';
ALTER TABLE backends ADD COLUMN region             TEXT NOT NULL DEFAULT '';
