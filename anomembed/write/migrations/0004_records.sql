-- What a flag carries of its record, and the table that it was in: a store holds runs over several tables.

ALTER TABLE flags ADD COLUMN source VARCHAR;
ALTER TABLE flags ADD COLUMN record JSON;
UPDATE flags SET source = (SELECT source FROM runs WHERE runs.run_id = flags.run_id);
COMMENT ON COLUMN tokens.n_records IS
    'Reference records with the token: without those held out, unless the reference itself was scored; of bins, hours and templates, in the sample learnt from.';
COMMENT ON COLUMN flags.source IS 'The table or query that was scored, as in runs.';
COMMENT ON COLUMN flags.record IS
    'What the flag carries of its record: when, who, the message, and the values that the reason names; null in older runs.';
