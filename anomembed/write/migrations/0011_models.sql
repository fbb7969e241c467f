-- Models that take over from others, and are taken back.

ALTER TABLE models ADD COLUMN state VARCHAR;
CREATE TABLE refits (
    monitor VARCHAR NOT NULL, "at" TIMESTAMP NOT NULL, old_model_id BIGINT NOT NULL, model_id BIGINT, why VARCHAR NOT NULL,
    n_records BIGINT NOT NULL, n_flagged_old BIGINT NOT NULL, n_flagged BIGINT NOT NULL, agreement DOUBLE);

COMMENT ON COLUMN models.state IS
    'Null while it may be chosen; ''withdrawn'' when an earlier one was reverted to, ''pruned'' when only this row is left of it.';
COMMENT ON TABLE refits IS 'Models that a monitor learnt anew, each tried beside the one before it.';
COMMENT ON COLUMN refits.monitor IS 'The monitor.';
COMMENT ON COLUMN refits."at" IS 'What was before this was learnt from (UTC), by the watermark.';
COMMENT ON COLUMN refits.old_model_id IS 'The model before it.';
COMMENT ON COLUMN refits.model_id IS 'The new model; null when it did not take over.';
COMMENT ON COLUMN refits.why IS 'Why it was learnt.';
COMMENT ON COLUMN refits.n_records IS 'Records of the day before, on which both were tried.';
COMMENT ON COLUMN refits.n_flagged_old IS 'How many of them the model before it flags.';
COMMENT ON COLUMN refits.n_flagged IS 'How many of them it flags.';
COMMENT ON COLUMN refits.agreement IS 'Rank correlation (Spearman) of the scores by both, 1 = the same order.';
COMMENT ON COLUMN acts.act IS '''silence'', ''unsilence'', ''acknowledge'', ''take back'' or ''revert''.';
COMMENT ON COLUMN acts.finding_id IS 'The finding, or the reason as VIEW/COLUMN; empty where it is about neither.';
