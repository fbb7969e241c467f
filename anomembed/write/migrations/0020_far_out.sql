-- Too many records are far out only where their tail probability is low.
COMMENT ON COLUMN runs.tail_excess IS
    'By how much, at most, the share of unflagged records with a tail probability of at most x exceeds x, for x up to 0.1; 0 when there are no more than in the reference, of monitors only.';
