-- A tail probability lower than the reference can show is extrapolated, too.
COMMENT ON COLUMN flags.extrapolated IS
    'True when the tail probability is extrapolated: the raw score exceeds every reference score, or the reference has too few records to show so low a share.';
COMMENT ON COLUMN latest_flags.extrapolated IS
    'True when the tail probability is extrapolated: the raw score exceeds every reference score, or the reference has too few records to show so low a share.';
