-- What a monitor judges by, so that what this cannot flag is told once.

ALTER TABLE watermarks ADD COLUMN judges_by VARCHAR;

COMMENT ON COLUMN watermarks.judges_by IS
    'Model and rule of its last run; what these cannot flag was told in the first run with them.';
