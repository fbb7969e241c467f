-- Notices: what is told of a source as a whole, and how its records come.

CREATE TABLE notices (
    monitor VARCHAR NOT NULL, notice_id VARCHAR NOT NULL, occurrence BIGINT NOT NULL, state VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, column_name VARCHAR NOT NULL, "value" VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    begun_at TIMESTAMP NOT NULL, ended_at TIMESTAMP, n_flags BIGINT NOT NULL);
CREATE TABLE arrivals (
    monitor VARCHAR NOT NULL, column_name VARCHAR NOT NULL, "value" VARCHAR NOT NULL, "hour" TIMESTAMP NOT NULL,
    n_records BIGINT NOT NULL, first_seen TIMESTAMP NOT NULL, last_seen TIMESTAMP NOT NULL, widest DOUBLE NOT NULL);
CREATE TABLE rhythms (
    monitor VARCHAR NOT NULL, column_name VARCHAR NOT NULL, "value" VARCHAR NOT NULL, last_seen TIMESTAMP NOT NULL,
    due TIMESTAMP, usual DOUBLE);

COMMENT ON TABLE notices IS
    'What a monitor told of its source as a whole: that nothing came, or that a column changed. One row each time.';
COMMENT ON COLUMN notices.monitor IS 'The monitor.';
COMMENT ON COLUMN notices.notice_id IS 'Hash of what it is about; the same in every run. Its alerts have it as finding_id.';
COMMENT ON COLUMN notices.occurrence IS 'How many times it began so far, from 1.';
COMMENT ON COLUMN notices.state IS '''open'', or ''closed'' when it is over.';
COMMENT ON COLUMN notices.kind IS
    '''silent'' (no records for longer than usual), ''overdue'' (the same of a value that monitor.expect names), ''constant'', ''missing'', ''unseen'', ''kind'' or ''column'' (a column changed, or is new), ''failed'' (the source cannot be judged), ''model'' (learnt anew).';
COMMENT ON COLUMN notices.column_name IS 'The column; empty when it is about all records.';
COMMENT ON COLUMN notices."value" IS 'The value that is overdue; empty for other kinds.';
COMMENT ON COLUMN notices.reason IS 'What is told.';
COMMENT ON COLUMN notices.begun_at IS 'When it began (UTC), by the watermark.';
COMMENT ON COLUMN notices.ended_at IS 'When it was over (UTC); null while it is open.';
COMMENT ON COLUMN notices.n_flags IS
    'Flags that were held back because of it: kept in flags and finding_flags, but no finding and not told.';

COMMENT ON TABLE arrivals IS 'How the records of a monitor came, hour by hour, of the last eight weeks.';
COMMENT ON COLUMN arrivals.monitor IS 'The monitor.';
COMMENT ON COLUMN arrivals.column_name IS 'Column that monitor.expect names; empty for all records.';
COMMENT ON COLUMN arrivals."value" IS 'Its value; empty for all records.';
COMMENT ON COLUMN arrivals."hour" IS 'Start of the hour (UTC); hours without records have no row.';
COMMENT ON COLUMN arrivals.n_records IS 'Records that came.';
COMMENT ON COLUMN arrivals.first_seen IS 'When the first one was (UTC).';
COMMENT ON COLUMN arrivals.last_seen IS 'When the last one was (UTC).';
COMMENT ON COLUMN arrivals.widest IS 'Longest time between two of them, in seconds.';

COMMENT ON TABLE rhythms IS 'When a monitor expects the next record, of all and of each value that monitor.expect names.';
COMMENT ON COLUMN rhythms.monitor IS 'The monitor.';
COMMENT ON COLUMN rhythms.column_name IS 'The column; empty for all records.';
COMMENT ON COLUMN rhythms."value" IS 'The value; empty for all records.';
COMMENT ON COLUMN rhythms.last_seen IS 'When the last record was (UTC).';
COMMENT ON COLUMN rhythms.due IS 'When the next one is overdue (UTC); null while its rhythm is not known.';
COMMENT ON COLUMN rhythms.usual IS 'Longest usual time without one at that time of the week or day, in seconds.';
