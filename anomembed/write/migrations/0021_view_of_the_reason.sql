-- A flag's view is the one that its reason is from, which need not be the one in which the record is least likely.
COMMENT ON COLUMN scores.view IS 'The view in which the record stands out most; of a flag, the one that gives its reason.';
COMMENT ON COLUMN flags.view IS 'The view that gives its reason.';
COMMENT ON COLUMN findings.view IS 'The view that gives the reason of its flags.';
COMMENT ON COLUMN latest_flags.view IS 'The view that gives its reason.';
