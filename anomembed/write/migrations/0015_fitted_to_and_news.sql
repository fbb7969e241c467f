-- Up to where a model was fitted, so that a monitor begins after it; and what of a finding has not been told yet.

ALTER TABLE models ADD COLUMN column_name VARCHAR;
ALTER TABLE models ADD COLUMN "position" BIGINT;

COMMENT ON COLUMN models.column_name IS
    'Column of the reference that a monitor takes as its watermark; null where `fit` found none.';
COMMENT ON COLUMN models."position" IS
    'Its last value that the model was fitted to: microseconds since 1970, or the number itself.';

ALTER TABLE findings ADD COLUMN news
    STRUCT(reason VARCHAR, key VARCHAR, run_id BIGINT, tail_probability DOUBLE, "first" TIMESTAMP);
ALTER TABLE findings ADD COLUMN n_before BIGINT DEFAULT 0;

COMMENT ON COLUMN findings.news IS
    'The most abnormal flag since the last message, and when the earliest of these was (UTC); null when there was none.';
COMMENT ON COLUMN findings.n_before IS 'Flags before it was opened last.';
