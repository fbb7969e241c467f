-- Drift: how far the records of each run of a monitor are from the reference.

CREATE TABLE drift (
    run_id BIGINT NOT NULL, column_name VARCHAR NOT NULL, n_records BIGINT NOT NULL, missing DOUBLE NOT NULL,
    unseen DOUBLE NOT NULL, rare DOUBLE NOT NULL, commonest DOUBLE NOT NULL, "shift" DOUBLE NOT NULL);
ALTER TABLE runs ADD COLUMN tail_excess DOUBLE;

COMMENT ON TABLE drift IS 'How far the records of each run of a monitor are from the reference, by column.';
COMMENT ON COLUMN drift.run_id IS 'The run.';
COMMENT ON COLUMN drift.column_name IS 'Name of the tokens: of a value or a number the column.';
COMMENT ON COLUMN drift.n_records IS 'Records of the run.';
COMMENT ON COLUMN drift.missing IS 'Share of them without a value; of numbers that are text, also those that are no number.';
COMMENT ON COLUMN drift.unseen IS 'Share of them with a value that the reference does not have.';
COMMENT ON COLUMN drift.rare IS 'Share of them with a value that is rare in the reference.';
COMMENT ON COLUMN drift.commonest IS 'Share of them with the commonest value or range of numbers.';
COMMENT ON COLUMN drift."shift" IS
    'How far the shares of values are from those of the reference: Jensen-Shannon divergence less what chance lets expect, 0 (the same) to 1 (nothing in common).';
COMMENT ON COLUMN runs.tail_excess IS
    'By how much, at most, the share of unflagged records with a tail probability of at most x exceeds x; 0 when they are uniform, of monitors only.';
