-- Up to where a model was fitted, so that a monitor begins after it.

ALTER TABLE models ADD COLUMN column_name VARCHAR;
ALTER TABLE models ADD COLUMN "position" BIGINT;

COMMENT ON COLUMN models.column_name IS
    'Column of the reference that a monitor takes as its watermark; null where `fit` found none.';
COMMENT ON COLUMN models."position" IS
    'Its last value that the model was fitted to: microseconds since 1970, or the number itself.';
