-- What `anomembed monitor` keeps: how far it has judged, and what it has judged of late; and more about runs.

CREATE TABLE watermarks (
    monitor VARCHAR NOT NULL, source VARCHAR NOT NULL, column_name VARCHAR NOT NULL, plan JSON NOT NULL,
    until VARCHAR NOT NULL, "position" BIGINT NOT NULL, n_behind BIGINT NOT NULL);
CREATE TABLE judged (monitor VARCHAR NOT NULL, key VARCHAR NOT NULL, "position" BIGINT, version BIGINT NOT NULL);
ALTER TABLE runs ALTER model_id DROP NOT NULL;
ALTER TABLE runs ADD COLUMN monitor VARCHAR;
ALTER TABLE runs ADD COLUMN part VARCHAR;
ALTER TABLE runs ADD COLUMN since VARCHAR;
ALTER TABLE runs ADD COLUMN until VARCHAR;
ALTER TABLE runs ADD COLUMN n_repeated BIGINT;
ALTER TABLE runs ADD COLUMN n_too_late BIGINT;
ALTER TABLE runs ADD COLUMN failure VARCHAR;

COMMENT ON TABLE watermarks IS 'How far each monitor has judged its source, one row each.';
COMMENT ON COLUMN watermarks.monitor IS 'Name of the monitor: that of its configuration file, or monitor.name.';
COMMENT ON COLUMN watermarks.source IS 'The table or query that it judges, and where that is.';
COMMENT ON COLUMN watermarks.column_name IS 'Column of the source that says how far it has been judged.';
COMMENT ON COLUMN watermarks.plan IS 'How that column is read, and the key.';
COMMENT ON COLUMN watermarks.until IS 'What was before this has been judged, but for late records: a time (UTC), or a number.';
COMMENT ON COLUMN watermarks."position" IS 'The same as a number: microseconds since 1970, or the number itself.';
COMMENT ON COLUMN watermarks.n_behind IS 'Records of the source farther behind than late ones are looked for.';

COMMENT ON TABLE judged IS 'What each monitor has seen within its lookback, so that late records can be told from others.';
COMMENT ON COLUMN judged.monitor IS 'The monitor.';
COMMENT ON COLUMN judged.key IS 'Key of the record or sequence as text.';
COMMENT ON COLUMN judged."position" IS
    'Its place by the watermark, in microseconds since 1970 or as a number; of a sequence, when it was complete.';
COMMENT ON COLUMN judged.version IS 'Events of a sequence when it was judged; 0 for records.';

COMMENT ON COLUMN runs.model_id IS 'The model that scored; null when a run failed before there was one.';
COMMENT ON COLUMN runs.monitor IS 'The monitor whose run it is; null for other commands.';
COMMENT ON COLUMN runs.part IS
    'What a run of a monitor judged: ''new'', ''late'', ''quarantined'' (without a position, or of the future) or ''again''.';
COMMENT ON COLUMN runs.since IS 'Start of the window, inclusive: a time (UTC), or a number; of late records the earliest.';
COMMENT ON COLUMN runs.until IS 'End of the window, exclusive; of a failed run, where the window that it left open starts.';
COMMENT ON COLUMN runs.n_repeated IS 'Rows that were left out, because their key had been judged.';
COMMENT ON COLUMN runs.n_too_late IS 'Records that came later than late ones are looked for, and were not judged.';
COMMENT ON COLUMN runs.failure IS 'Why a run of a monitor failed; null when it did not.';

CREATE TABLE findings (
    monitor VARCHAR NOT NULL, finding_id VARCHAR NOT NULL, state VARCHAR NOT NULL, view VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, "columns" VARCHAR[] NOT NULL, "values" VARCHAR[] NOT NULL, reason VARCHAR NOT NULL,
    key VARCHAR NOT NULL, run_id BIGINT NOT NULL, tail_probability DOUBLE NOT NULL, n_flags BIGINT NOT NULL,
    first_seen TIMESTAMP NOT NULL, last_seen TIMESTAMP NOT NULL, n_alerts BIGINT NOT NULL, n_told BIGINT NOT NULL,
    alerted_at TIMESTAMP NOT NULL, repeat_after INTERVAL NOT NULL, silenced_until TIMESTAMP,
    acknowledged BOOLEAN NOT NULL);
CREATE TABLE acts (
    act_id BIGINT NOT NULL, done_at TIMESTAMP NOT NULL, user_name VARCHAR NOT NULL, act VARCHAR NOT NULL,
    finding_id VARCHAR NOT NULL, until TIMESTAMP, because VARCHAR);
CREATE TABLE finding_flags (finding_id VARCHAR NOT NULL, run_id BIGINT NOT NULL, key VARCHAR NOT NULL);
CREATE TABLE alerts (
    alert_id VARCHAR NOT NULL, monitor VARCHAR NOT NULL, finding_id VARCHAR NOT NULL, event VARCHAR NOT NULL,
    level VARCHAR NOT NULL, "at" TIMESTAMP NOT NULL, content JSON NOT NULL);
CREATE TABLE deliveries (
    alert_id VARCHAR NOT NULL, channel VARCHAR NOT NULL, told_at TIMESTAMP, n_tries BIGINT NOT NULL, error VARCHAR);

COMMENT ON TABLE findings IS 'Flags of a monitor that have the same reason, but for the key and the size of numbers.';
COMMENT ON COLUMN findings.monitor IS 'The monitor.';
COMMENT ON COLUMN findings.finding_id IS 'Hash of what its flags have in common; the same in every run.';
COMMENT ON COLUMN findings.state IS '''open'', or ''closed'' after it had no flag for monitor.close_after.';
COMMENT ON COLUMN findings.view IS 'The view in which its flags stand out most.';
COMMENT ON COLUMN findings.kind IS 'What kind of reason they have.';
COMMENT ON COLUMN findings."columns" IS 'Columns that the reason names.';
COMMENT ON COLUMN findings."values" IS 'Their values; of numbers, high or low.';
COMMENT ON COLUMN findings.reason IS 'The reason of its most abnormal flag, in words.';
COMMENT ON COLUMN findings.key IS 'Key of that flag.';
COMMENT ON COLUMN findings.run_id IS 'Run of that flag, for why().';
COMMENT ON COLUMN findings.tail_probability IS 'Its tail probability; low = abnormal.';
COMMENT ON COLUMN findings.n_flags IS 'Flags so far.';
COMMENT ON COLUMN findings.first_seen IS 'When the earliest flagged record was (UTC), by the watermark.';
COMMENT ON COLUMN findings.last_seen IS 'When the latest flagged record was (UTC).';
COMMENT ON COLUMN findings.n_alerts IS 'Alerts so far.';
COMMENT ON COLUMN findings.n_told IS 'Flags that the last alert told of.';
COMMENT ON COLUMN findings.alerted_at IS 'When the last alert was (UTC), by the watermark.';
COMMENT ON COLUMN findings.repeat_after IS 'How long after that a finding that grows is told again.';

COMMENT ON COLUMN findings.silenced_until IS 'Until when no alert is made of it (UTC, by the watermark); null: never.';
COMMENT ON COLUMN findings.acknowledged IS 'Whether somebody looks after it: it is not told again until it is closed.';

COMMENT ON TABLE acts IS 'What people did with findings, one row each; an act is taken back by another.';
COMMENT ON COLUMN acts.act_id IS 'Number of the act, from 1.';
COMMENT ON COLUMN acts.done_at IS 'When it was done (UTC).';
COMMENT ON COLUMN acts.user_name IS 'Who did it: the user of the machine.';
COMMENT ON COLUMN acts.act IS '''silence'', ''unsilence'', ''acknowledge'' or ''take back''.';
COMMENT ON COLUMN acts.finding_id IS 'The finding.';
COMMENT ON COLUMN acts.until IS 'End of a silence (UTC).';
COMMENT ON COLUMN acts.because IS 'Why.';

COMMENT ON TABLE finding_flags IS 'Which flags belong to which finding.';
COMMENT ON COLUMN finding_flags.finding_id IS 'The finding.';
COMMENT ON COLUMN finding_flags.run_id IS 'The run.';
COMMENT ON COLUMN finding_flags.key IS 'Key of the flagged record.';

COMMENT ON TABLE alerts IS 'Messages about findings; written by the transaction that found them, told afterwards.';
COMMENT ON COLUMN alerts.alert_id IS 'Id of the message; the same when it is told twice.';
COMMENT ON COLUMN alerts.monitor IS 'The monitor.';
COMMENT ON COLUMN alerts.finding_id IS 'The finding.';
COMMENT ON COLUMN alerts.event IS '''opened'', ''grown'' or ''closed''.';
COMMENT ON COLUMN alerts.level IS '''alert'', or ''warn'' when the tail probability is above monitor.alert_at.';
COMMENT ON COLUMN alerts."at" IS 'When it happened (UTC), by the watermark.';
COMMENT ON COLUMN alerts.content IS 'What is told.';

COMMENT ON TABLE deliveries IS 'Which channel has which alert to tell, and whether it did.';
COMMENT ON COLUMN deliveries.alert_id IS 'The alert.';
COMMENT ON COLUMN deliveries.channel IS 'Name of the channel.';
COMMENT ON COLUMN deliveries.told_at IS 'When the channel took it (UTC); null while it is still to be told.';
COMMENT ON COLUMN deliveries.n_tries IS 'How often that was tried.';
COMMENT ON COLUMN deliveries.error IS 'Why the last try failed; secrets do not appear in it.';
