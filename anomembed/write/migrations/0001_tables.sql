-- The first tables: models, and the runs that scored with them.

CREATE TABLE store_version (version INTEGER NOT NULL);
CREATE TABLE models (
    model_id BIGINT PRIMARY KEY, fitted_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL, n_reference BIGINT NOT NULL,
    config JSON NOT NULL, roles JSON NOT NULL, summary JSON NOT NULL, versions JSON NOT NULL);
CREATE TABLE model_parts (model_id BIGINT NOT NULL, name VARCHAR NOT NULL, content BLOB NOT NULL);
CREATE TABLE tokens (
    model_id BIGINT NOT NULL, token_id INTEGER NOT NULL, column_name VARCHAR NOT NULL, token VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, n_records DOUBLE NOT NULL, embedding FLOAT[] NOT NULL, context FLOAT[] NOT NULL);
CREATE TABLE pairs (
    model_id BIGINT NOT NULL, token_id INTEGER NOT NULL, other_id INTEGER NOT NULL, n_records DOUBLE NOT NULL);
CREATE TABLE runs (
    run_id BIGINT PRIMARY KEY, model_id BIGINT NOT NULL, scored_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL,
    condition VARCHAR, rule VARCHAR NOT NULL, n_scored BIGINT NOT NULL, n_flagged BIGINT NOT NULL);
CREATE TABLE scores (
    run_id BIGINT NOT NULL, key VARCHAR NOT NULL, raw_score DOUBLE NOT NULL, tail_probability DOUBLE NOT NULL,
    flagged BOOLEAN NOT NULL, view VARCHAR NOT NULL);
CREATE TABLE flags (
    run_id BIGINT NOT NULL, key VARCHAR NOT NULL, rank BIGINT NOT NULL, raw_score DOUBLE NOT NULL,
    tail_probability DOUBLE NOT NULL, extrapolated BOOLEAN NOT NULL, view VARCHAR NOT NULL, reason VARCHAR NOT NULL);
CREATE TABLE contributions (
    run_id BIGINT NOT NULL, key VARCHAR NOT NULL, view VARCHAR NOT NULL, column_name VARCHAR NOT NULL, value VARCHAR,
    contribution DOUBLE NOT NULL, expected VARCHAR[] NOT NULL);
