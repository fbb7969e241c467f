-- What every table and column holds, with unit and direction. A later migration that adds a column comments on it itself.

COMMENT ON TABLE store_version IS 'The version of this store: the number of the last migration applied. One row.';
COMMENT ON COLUMN store_version.version IS 'Number of the last migration applied.';

COMMENT ON TABLE models IS 'Fitted models, one row each.';
COMMENT ON COLUMN models.model_id IS 'Number of the model, from 1; a newer model has a higher number.';
COMMENT ON COLUMN models.fitted_at IS 'When the model was saved (UTC).';
COMMENT ON COLUMN models.source IS 'The table or query that the model was fitted on.';
COMMENT ON COLUMN models.n_reference IS 'Records (or sequences) in the reference.';
COMMENT ON COLUMN models.config IS 'The settings, by section.';
COMMENT ON COLUMN models.roles IS 'The role of every column of the source, and the reason for it.';
COMMENT ON COLUMN models.summary IS 'What was learnt: sizes, detector and notes.';
COMMENT ON COLUMN models.versions IS 'Versions of anomembed and of the packages that it was fitted with.';

COMMENT ON TABLE model_parts IS 'Models as data (JSON, npz, skops), for anomembed to load; loading runs no code.';
COMMENT ON COLUMN model_parts.model_id IS 'The model.';
COMMENT ON COLUMN model_parts.name IS 'Name of the part.';
COMMENT ON COLUMN model_parts.content IS 'The part itself.';

COMMENT ON TABLE tokens IS 'The vocabulary of every model: a token is a value of a column, or a bin of its numbers.';
COMMENT ON COLUMN tokens.model_id IS 'The model.';
COMMENT ON COLUMN tokens.token_id IS 'Number of the token within the model, from 0.';
COMMENT ON COLUMN tokens.column_name IS 'Column of the source.';
COMMENT ON COLUMN tokens.token IS 'The value, or the bin such as ''0 to 25'', which includes its lower end only.';
COMMENT ON COLUMN tokens.kind IS
    '''value''; or MISSING (null), RARE (too rare in the reference to be a token of its own) or UNSEEN (not in it).';
COMMENT ON COLUMN tokens.n_records IS
    'Reference records with the token: without those held out; of bins, hours and templates, in the sample learnt from.';
COMMENT ON COLUMN tokens.embedding IS
    'Embedding of the token; tokens that occur with the same others have similar ones. All zero: none was learnt.';
COMMENT ON COLUMN tokens.context IS
    'Context vector of the token; its inner product with another token''s embedding is high when the two attract.';

COMMENT ON TABLE pairs IS 'How often tokens occur in the same record; large models keep their most frequent pairs only.';
COMMENT ON COLUMN pairs.model_id IS 'The model.';
COMMENT ON COLUMN pairs.token_id IS 'One token.';
COMMENT ON COLUMN pairs.other_id IS 'The other; the token itself in the row that counts the token alone.';
COMMENT ON COLUMN pairs.n_records IS 'Records with both.';

COMMENT ON TABLE losses IS 'Training loss of the embeddings, by epoch; no rows for learners without epochs.';
COMMENT ON COLUMN losses.model_id IS 'The model.';
COMMENT ON COLUMN losses.epoch IS 'Number of the epoch, from 1.';
COMMENT ON COLUMN losses.loss IS 'Mean loss of the epoch; low = the embeddings fit the reference well.';

COMMENT ON TABLE runs IS 'Scoring runs, one row each; everything a run writes lands in one transaction.';
COMMENT ON COLUMN runs.run_id IS 'Number of the run, from 1; a newer run has a higher number.';
COMMENT ON COLUMN runs.model_id IS 'The model that scored.';
COMMENT ON COLUMN runs.scored_at IS 'When the scores were saved (UTC).';
COMMENT ON COLUMN runs.source IS 'The table or query that was scored.';
COMMENT ON COLUMN runs.condition IS 'SQL condition of the records scored; null: all records.';
COMMENT ON COLUMN runs.rule IS 'The flag rule, such as ''budget 20'' or ''alpha 0.05''.';
COMMENT ON COLUMN runs.n_scored IS 'Records (or sequences) scored.';
COMMENT ON COLUMN runs.n_flagged IS 'Records (or sequences) flagged.';

COMMENT ON TABLE scores IS 'The score of every record of every run.';
COMMENT ON COLUMN scores.run_id IS 'The run.';
COMMENT ON COLUMN scores.key IS 'Key of the record as text; JSON when the key has several columns.';
COMMENT ON COLUMN scores.raw_score IS 'Distance from normal over all views, in nats; high = abnormal.';
COMMENT ON COLUMN scores.tail_probability IS
    'Share of normal records at least as abnormal as this one, 0 to 1; low = abnormal.';
COMMENT ON COLUMN scores.flagged IS 'Whether the flag rule of the run chose the record.';
COMMENT ON COLUMN scores.view IS 'The view in which the record stands out most.';

COMMENT ON TABLE flags IS 'The flagged records of every run, with the reason for each.';
COMMENT ON COLUMN flags.run_id IS 'The run.';
COMMENT ON COLUMN flags.key IS 'Key of the record as text; JSON when the key has several columns.';
COMMENT ON COLUMN flags.rank IS 'Position by raw score within the run; 1 = most abnormal.';
COMMENT ON COLUMN flags.raw_score IS 'Distance from normal over all views, in nats; high = abnormal.';
COMMENT ON COLUMN flags.tail_probability IS
    'Share of normal records at least as abnormal as this one, 0 to 1; low = abnormal.';
COMMENT ON COLUMN flags.extrapolated IS
    'True when the raw score exceeds every reference score, so that the tail probability is extrapolated.';
COMMENT ON COLUMN flags.view IS 'The view in which the record stands out most.';
COMMENT ON COLUMN flags.reason IS 'Why the record was flagged, in words.';

COMMENT ON TABLE contributions IS 'How much every column of a flagged record adds to its raw score, by view.';
COMMENT ON COLUMN contributions.run_id IS 'The run.';
COMMENT ON COLUMN contributions.key IS 'Key of the flagged record, as in flags.';
COMMENT ON COLUMN contributions.view IS 'The view.';
COMMENT ON COLUMN contributions.column_name IS 'Column of the source.';
COMMENT ON COLUMN contributions.value IS 'The value of the record in the column; null where it is null.';
COMMENT ON COLUMN contributions.contribution IS
    'Part of the raw score, in nats; high = abnormal. The parts of a record add up to its raw score.';
COMMENT ON COLUMN contributions.expected IS 'Values that would have been normal in its place, the most likely first.';
