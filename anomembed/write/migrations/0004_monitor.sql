-- What `anomembed monitor` keeps: how far it has judged, and what it has judged of late; and more about runs.

CREATE TABLE watermarks (
    monitor VARCHAR NOT NULL, source VARCHAR NOT NULL, column_name VARCHAR NOT NULL, plan JSON NOT NULL,
    until VARCHAR NOT NULL, "position" BIGINT NOT NULL, n_behind BIGINT NOT NULL);
CREATE TABLE judged (monitor VARCHAR NOT NULL, key VARCHAR NOT NULL, "position" BIGINT, version BIGINT NOT NULL);
ALTER TABLE runs ALTER model_id DROP NOT NULL;
ALTER TABLE runs ADD COLUMN monitor VARCHAR;
ALTER TABLE runs ADD COLUMN part VARCHAR;
ALTER TABLE runs ADD COLUMN since VARCHAR;
ALTER TABLE runs ADD COLUMN until VARCHAR;
ALTER TABLE runs ADD COLUMN n_repeated BIGINT;
ALTER TABLE runs ADD COLUMN n_too_late BIGINT;
ALTER TABLE runs ADD COLUMN failure VARCHAR;

COMMENT ON TABLE watermarks IS 'How far each monitor has judged its source, one row each.';
COMMENT ON COLUMN watermarks.monitor IS 'Name of the monitor: that of its configuration file, or monitor.name.';
COMMENT ON COLUMN watermarks.source IS 'The table or query that it judges, and where that is.';
COMMENT ON COLUMN watermarks.column_name IS 'Column of the source that says how far it has been judged.';
COMMENT ON COLUMN watermarks.plan IS 'How that column is read, and the key.';
COMMENT ON COLUMN watermarks.until IS 'What was before this has been judged, but for late records: a time (UTC), or a number.';
COMMENT ON COLUMN watermarks."position" IS 'The same as a number: microseconds since 1970, or the number itself.';
COMMENT ON COLUMN watermarks.n_behind IS 'Records of the source farther behind than late ones are looked for.';

COMMENT ON TABLE judged IS 'What each monitor has seen within its lookback, so that late records can be told from others.';
COMMENT ON COLUMN judged.monitor IS 'The monitor.';
COMMENT ON COLUMN judged.key IS 'Key of the record or sequence as text.';
COMMENT ON COLUMN judged."position" IS
    'Its place by the watermark, in microseconds since 1970 or as a number; of a sequence, when it was complete.';
COMMENT ON COLUMN judged.version IS 'Events of a sequence when it was judged; 0 for records.';

COMMENT ON COLUMN runs.model_id IS 'The model that scored; null when a run failed before there was one.';
COMMENT ON COLUMN runs.monitor IS 'The monitor whose run it is; null for other commands.';
COMMENT ON COLUMN runs.part IS
    'What a run of a monitor judged: ''new'', ''late'', ''quarantined'' (without a position, or of the future) or ''again''.';
COMMENT ON COLUMN runs.since IS 'Start of the window, inclusive: a time (UTC), or a number; of late records the earliest.';
COMMENT ON COLUMN runs.until IS 'End of the window, exclusive; of a failed run, where the window that it left open starts.';
COMMENT ON COLUMN runs.n_repeated IS 'Rows that were left out, because their key had been judged.';
COMMENT ON COLUMN runs.n_too_late IS 'Records that came later than late ones are looked for, and were not judged.';
COMMENT ON COLUMN runs.failure IS 'Why a run of a monitor failed; null when it did not.';
