-- Numbers are found by value, and flags by what they have in common.

ALTER TABLE tokens ADD COLUMN low DOUBLE;
ALTER TABLE tokens ADD COLUMN high DOUBLE;
ALTER TABLE flags ADD COLUMN finding VARCHAR;
COMMENT ON COLUMN tokens.low IS 'Lower end of a bin of numbers, inclusive; null for other tokens, and in older models.';
COMMENT ON COLUMN tokens.high IS 'Upper end of a bin of numbers, exclusive; null for other tokens, and in older models.';
COMMENT ON COLUMN flags.finding IS 'The same for flags with one reason: one view, the same columns and values; null in older runs, empty where it is not explained.';

CREATE VIEW latest_flags AS
    SELECT f.* EXCLUDE (source), r.source, r.database, r.scored_at
    FROM flags f
    JOIN runs r USING (run_id)
    WHERE run_id = (
        SELECT max(run_id) FROM runs newest
        WHERE newest.source = r.source AND newest.database IS NOT DISTINCT FROM r.database AND failure IS NULL)
    ORDER BY run_id DESC, rank;
COMMENT ON VIEW latest_flags IS 'The flags of the newest run over each table, most abnormal first.';
COMMENT ON COLUMN latest_flags.run_id IS 'The run.';
COMMENT ON COLUMN latest_flags.key IS 'Key of the record as text; JSON when the key has several columns.';
COMMENT ON COLUMN latest_flags.rank IS 'Position by raw score within the run; 1 = most abnormal.';
COMMENT ON COLUMN latest_flags.raw_score IS 'Distance from normal over all views, in nats; high = abnormal.';
COMMENT ON COLUMN latest_flags.tail_probability IS
    'Share of normal records at least as abnormal as this one, 0 to 1; low = abnormal.';
COMMENT ON COLUMN latest_flags.extrapolated IS
    'True when the raw score exceeds every reference score, so that the tail probability is extrapolated.';
COMMENT ON COLUMN latest_flags.view IS 'The view in which the record stands out most.';
COMMENT ON COLUMN latest_flags.reason IS 'Why the record was flagged, in words.';
COMMENT ON COLUMN latest_flags.record IS
    'What the flag carries of its record: when, who, the message, and the values that the reason names.';
COMMENT ON COLUMN latest_flags.finding IS 'The same for flags with one reason.';
COMMENT ON COLUMN latest_flags.source IS 'The table or query that was scored.';
COMMENT ON COLUMN latest_flags.database IS 'The file or address that it is in, as it was named.';
COMMENT ON COLUMN latest_flags.scored_at IS 'When the scores were saved (UTC).';
