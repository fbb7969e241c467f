-- Where the records of a model and of a run were read: a store holds runs over several tables of several databases.

ALTER TABLE models ADD COLUMN database VARCHAR;
ALTER TABLE runs ADD COLUMN database VARCHAR;
ALTER TABLE runs ADD COLUMN config JSON;
UPDATE models SET database = config->>'$.source.database';
UPDATE runs SET database = (SELECT database FROM models WHERE models.model_id = runs.model_id),
    config = (SELECT config FROM models WHERE models.model_id = runs.model_id);
COMMENT ON COLUMN models.database IS 'The file or address that the reference was read from, as it was named; null: a frame in memory.';
COMMENT ON COLUMN runs.database IS 'The file or address that the records were read from, as it was named; null: a frame in memory.';
COMMENT ON COLUMN runs.config IS 'The settings of the run, by section; of a monitor, those of its model.';
