-- What is expected and has never come: looked for once, and not in every run.

ALTER TABLE rhythms ALTER last_seen DROP NOT NULL;
COMMENT ON COLUMN rhythms.last_seen IS 'When the last record was (UTC); null while none has come.';
