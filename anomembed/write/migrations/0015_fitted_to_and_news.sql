-- Up to where a model was fitted, so that a monitor begins after it; and what of a finding has not been told yet.

ALTER TABLE models ADD COLUMN column_name VARCHAR;
ALTER TABLE models ADD COLUMN "position" BIGINT;

COMMENT ON COLUMN models.column_name IS
    'Column of the reference that a monitor takes as its watermark; null where `fit` found none.';
COMMENT ON COLUMN models."position" IS
    'Its last value that the model was fitted to: microseconds since 1970, or the number itself.';

-- A column that is computed cannot be added to a table, so the table is made anew. (AT TIME ZONE is of an extension, which
-- may not be there yet when DuckDB reads what a killed run left.)
ALTER TABLE findings RENAME TO old_findings;
CREATE TABLE findings (
    monitor VARCHAR NOT NULL, finding_id VARCHAR NOT NULL, is_open BOOLEAN NOT NULL, view VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, "columns" VARCHAR[] NOT NULL, "values" VARCHAR[] NOT NULL, reason VARCHAR NOT NULL,
    key VARCHAR NOT NULL, run_id BIGINT NOT NULL, tail_probability DOUBLE NOT NULL, n_flags BIGINT NOT NULL,
    first_seen TIMESTAMP NOT NULL, last_seen TIMESTAMP NOT NULL, n_alerts BIGINT NOT NULL, n_told BIGINT NOT NULL,
    alerted_at TIMESTAMP NOT NULL, repeat_after INTERVAL NOT NULL, silenced_until TIMESTAMP,
    acknowledged BOOLEAN NOT NULL,
    news STRUCT(reason VARCHAR, key VARCHAR, run_id BIGINT, tail_probability DOUBLE, "first" TIMESTAMP),
    n_before BIGINT NOT NULL,
    state VARCHAR GENERATED ALWAYS AS (
        CASE WHEN silenced_until > make_timestamp(epoch_us(now())) THEN 'silenced'
            WHEN is_open AND acknowledged THEN 'acknowledged' WHEN is_open THEN 'open' ELSE 'closed' END) VIRTUAL);
INSERT INTO findings BY NAME
    SELECT * EXCLUDE (state), state = 'open' AS is_open, NULL AS news, 0 AS n_before FROM old_findings;
DROP TABLE old_findings;

COMMENT ON TABLE findings IS 'Flags of a monitor that have the same reason, but for the key and the size of numbers.';
COMMENT ON COLUMN findings.monitor IS 'The monitor.';
COMMENT ON COLUMN findings.finding_id IS 'Hash of what its flags have in common; the same in every run.';
COMMENT ON COLUMN findings.view IS 'The view in which its flags stand out most.';
COMMENT ON COLUMN findings.kind IS 'What kind of reason they have.';
COMMENT ON COLUMN findings."columns" IS 'Columns that the reason names.';
COMMENT ON COLUMN findings."values" IS 'Their values; of numbers, high or low.';
COMMENT ON COLUMN findings.reason IS 'The reason of its most abnormal flag, in words.';
COMMENT ON COLUMN findings.key IS 'Key of that flag.';
COMMENT ON COLUMN findings.run_id IS 'Run of that flag, for why().';
COMMENT ON COLUMN findings.tail_probability IS 'Its tail probability; low = abnormal.';
COMMENT ON COLUMN findings.n_flags IS 'Flags so far.';
COMMENT ON COLUMN findings.first_seen IS 'When the earliest flagged record was (UTC), by the watermark.';
COMMENT ON COLUMN findings.last_seen IS 'When the latest flagged record was (UTC).';
COMMENT ON COLUMN findings.n_alerts IS 'Alerts so far.';
COMMENT ON COLUMN findings.n_told IS 'Flags that the last alert told of.';
COMMENT ON COLUMN findings.alerted_at IS 'When the last alert was (UTC), by the watermark.';
COMMENT ON COLUMN findings.repeat_after IS 'How long after that a finding that grows is told again.';
COMMENT ON COLUMN findings.silenced_until IS 'Until when no alert is made of it (UTC, by the watermark); null: never.';
COMMENT ON COLUMN findings.acknowledged IS 'Whether somebody looks after it: it is not told again until it is closed.';
COMMENT ON COLUMN findings.is_open IS 'Whether it had a flag within monitor.close_after.';
COMMENT ON COLUMN findings.state IS
    '''silenced'' (now, by the clock), else ''closed'' after it had no flag for monitor.close_after, ''acknowledged'', or ''open''.';
COMMENT ON COLUMN findings.news IS
    'The most abnormal flag since the last message, and when the earliest of these was (UTC); null when there was none.';
COMMENT ON COLUMN findings.n_before IS 'Flags before it was opened last.';
COMMENT ON COLUMN flags.finding IS
    'The same for flags with one reason: one claim, the same columns and values; null in older runs, empty where it is not explained.';
