-- A store as the first version made it: no losses, no comments, older macros. Never edit it: such files exist.

CREATE TABLE IF NOT EXISTS store_version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS models (
    model_id BIGINT PRIMARY KEY, fitted_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL, n_reference BIGINT NOT NULL,
    config JSON NOT NULL, roles JSON NOT NULL, summary JSON NOT NULL, versions JSON NOT NULL);
CREATE TABLE IF NOT EXISTS model_parts (model_id BIGINT NOT NULL, name VARCHAR NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    model_id BIGINT NOT NULL, token_id INTEGER NOT NULL, column_name VARCHAR NOT NULL, token VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, n_records DOUBLE NOT NULL, embedding FLOAT[] NOT NULL, context FLOAT[] NOT NULL);
CREATE TABLE IF NOT EXISTS pairs (
    model_id BIGINT NOT NULL, token_id INTEGER NOT NULL, other_id INTEGER NOT NULL, n_records DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    run_id BIGINT PRIMARY KEY, model_id BIGINT NOT NULL, scored_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL,
    condition VARCHAR, rule VARCHAR NOT NULL, n_scored BIGINT NOT NULL, n_flagged BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS scores (
    run_id BIGINT NOT NULL, key VARCHAR NOT NULL, raw_score DOUBLE NOT NULL, tail_probability DOUBLE NOT NULL,
    flagged BOOLEAN NOT NULL, view VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS flags (
    run_id BIGINT NOT NULL, key VARCHAR NOT NULL, rank BIGINT NOT NULL, raw_score DOUBLE NOT NULL,
    tail_probability DOUBLE NOT NULL, extrapolated BOOLEAN NOT NULL, view VARCHAR NOT NULL, reason VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS contributions (
    run_id BIGINT NOT NULL, key VARCHAR NOT NULL, view VARCHAR NOT NULL, column_name VARCHAR NOT NULL, value VARCHAR,
    contribution DOUBLE NOT NULL, expected VARCHAR[] NOT NULL);

-- Values of a column that keep the same company as a given one, by the newest model or another.
CREATE OR REPLACE MACRO "similar"(of_column, of_token, of_model := NULL) AS TABLE
    WITH chosen AS (
        FROM tokens WHERE model_id = coalesce(of_model, (SELECT max(model_id) FROM models))
            AND column_name = of_column AND kind = 'value'),
    compared AS (
        SELECT token, n_records, round(list_cosine_similarity(
            embedding, (SELECT embedding FROM chosen WHERE token = of_token)), 4) AS similarity
        FROM chosen WHERE token <> of_token),
    ordered AS (
        SELECT list({token: token, similarity: similarity, n_records: n_records} ORDER BY similarity DESC, token)
            FILTER (WHERE isfinite(similarity)) AS found FROM compared)
    SELECT unnest(if((SELECT count(*) FROM chosen WHERE token = of_token) > 0, found,
        error(concat('the model has no ', of_column, '=', of_token))), recursive := true) FROM ordered;
-- How likely are the values of a column beside given ones, such as ['channel=chip', 'currency=GBP']?
CREATE OR REPLACE MACRO expected(of_column, given, of_model := NULL) AS TABLE
    WITH chosen AS (FROM tokens WHERE model_id = coalesce(of_model, (SELECT max(model_id) FROM models))),
    met AS (FROM pairs WHERE model_id = coalesce(of_model, (SELECT max(model_id) FROM models))),
    single AS (
        SELECT chosen.*, met.n_records AS n FROM chosen LEFT JOIN met
            ON met.token_id = chosen.token_id AND met.other_id = chosen.token_id),
    total AS (SELECT sum(n) AS n FROM single WHERE column_name = of_column),
    beside AS (SELECT token_id, n FROM single WHERE list_contains(given::VARCHAR[], column_name || '=' || token)),
    attraction AS (
        SELECT one.token_id, sum(ln((coalesce(met.n_records, 0) + 1) / (beside.n * one.n / total.n + 1)))
            / sqrt(count(*)) AS log_ratio
        FROM single AS one CROSS JOIN beside CROSS JOIN total
            LEFT JOIN met ON met.token_id = beside.token_id AND met.other_id = one.token_id
        WHERE one.column_name = of_column GROUP BY one.token_id),
    scored AS (
        SELECT token, n_records, ln(n_records) + coalesce(log_ratio, 0) AS score
        FROM chosen LEFT JOIN attraction USING (token_id)
        WHERE column_name = of_column AND n_records > 0 AND kind NOT IN ('RARE', 'UNSEEN')),
    shares AS (
        SELECT token, round(exp(score) / sum(exp(score)) OVER (), 4) AS chance, n_records
        FROM (SELECT * REPLACE (score - max(score) OVER () AS score) FROM scored)),
    ordered AS (
        SELECT list({token: token, chance: chance, n_records: n_records} ORDER BY chance DESC, token) AS found
        FROM shares)
    SELECT unnest(CASE
        WHEN found IS NULL THEN error(concat('the model has no column ', of_column))
        WHEN (SELECT count(*) FROM beside) < len(given)
            THEN error(concat('the model has not all of ', array_to_string(given::VARCHAR[], ', ')))
        ELSE found END, recursive := true) FROM ordered;
-- What every column of a flagged record contributes to its score, over all views; of the newest run or another.
CREATE OR REPLACE MACRO why(of_key, of_run := NULL) AS TABLE
    SELECT column_name, value, round(sum(contribution), 3) AS contribution, any_value(expected) AS expected
    FROM contributions
    WHERE run_id = coalesce(of_run, (SELECT max(run_id) FROM runs)) AND key = of_key::VARCHAR
    GROUP BY ALL ORDER BY contribution DESC, column_name;

INSERT INTO store_version VALUES (1);
