-- What people say about records that were judged, and silences of all findings of a view and a column.

CREATE TABLE feedback (
    feedback_id BIGINT NOT NULL, given_at TIMESTAMP NOT NULL, user_name VARCHAR NOT NULL, source VARCHAR NOT NULL,
    key VARCHAR NOT NULL, run_id BIGINT NOT NULL, verdict VARCHAR NOT NULL, note VARCHAR);

COMMENT ON TABLE feedback IS 'What people said about records, one row each; of a record the newest counts.';
COMMENT ON COLUMN feedback.feedback_id IS 'Number of the row, from 1.';
COMMENT ON COLUMN feedback.given_at IS 'When it was said (UTC).';
COMMENT ON COLUMN feedback.user_name IS 'Who said it: the user of the machine.';
COMMENT ON COLUMN feedback.source IS 'The table or query of the record, as in runs.';
COMMENT ON COLUMN feedback.key IS 'Key of the record, as in scores and flags.';
COMMENT ON COLUMN feedback.run_id IS 'The run that judged it.';
COMMENT ON COLUMN feedback.verdict IS '''normal'', ''anomaly'', or ''withdrawn'', which takes back what was said before.';
COMMENT ON COLUMN feedback.note IS 'Why.';

CREATE TABLE silences (view VARCHAR NOT NULL, column_name VARCHAR NOT NULL, until TIMESTAMP NOT NULL);

COMMENT ON TABLE silences IS 'Reasons that make no alerts for some time: all findings of a view that name a column, also new ones.';
COMMENT ON COLUMN silences.view IS 'The view.';
COMMENT ON COLUMN silences.column_name IS 'The column.';
COMMENT ON COLUMN silences.until IS 'Until when (UTC, by the watermark).';
COMMENT ON COLUMN acts.finding_id IS 'The finding, or the reason as VIEW/COLUMN.';
