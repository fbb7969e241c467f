-- The macros of a store, recreated by every migration: a change here needs a migration of its own number, even an
-- empty one. A macro explains itself in its comment.

CREATE OR REPLACE MACRO spelled(of_token) AS
    lower(nfc_normalize(trim(regexp_replace(of_token, '[\s\x{a0}]+', ' ', 'g'))));
COMMENT ON MACRO spelled IS
    'A value without what spellings of it differ in: its case, blanks around it or doubled, the form of its Unicode.';

CREATE OR REPLACE MACRO "similar"(of_column, of_token, of_model := NULL) AS TABLE
    WITH known AS (
        SELECT *, sqrt(list_inner_product(embedding, embedding)) AS length FROM tokens
        WHERE model_id = coalesce(
            of_model,
            (SELECT max(model_id) FROM tokens WHERE column_name = of_column AND spelled(token) = spelled(of_token) AND n_records > 0),
            (SELECT max(model_id) FROM tokens WHERE column_name = of_column),
            (SELECT max(model_id) FROM models))),
    chosen AS (
        SELECT *, length > 1e-4 * (SELECT max(length) FROM known) AS has_company FROM known
        WHERE column_name = of_column AND n_records > 0),
    asked AS (
        FROM chosen WHERE token = of_token OR spelled(token) = spelled(of_token)
        ORDER BY token <> of_token, n_records DESC, token LIMIT 1),
    compared AS (
        SELECT token, n_records,
            list_cosine_similarity(embedding, (SELECT embedding FROM asked)) AS similarity
        FROM chosen WHERE token <> (SELECT token FROM asked) AND has_company),
    ordered AS (
        SELECT list({token: token, similarity: round(similarity, 4), n_records: n_records}
            ORDER BY similarity DESC, token) AS found FROM compared)
    SELECT unnest(CASE
        WHEN (SELECT count(*) FROM known) = 0 THEN error('the store has no such model')
        WHEN (SELECT count(*) FROM asked) = 0 THEN error(concat('the model has no ', of_column, '=', of_token, '; for another model, add of_model := N'))
        WHEN NOT (SELECT has_company FROM asked)
            THEN error(concat(of_column, '=', of_token, ' occurs with all values alike: nothing is similar to it'))
        ELSE found END, recursive := true) FROM ordered;
COMMENT ON MACRO TABLE "similar" IS
    'Values of a column that occur with the same others as a given value, most similar first (cosine similarity, 1 = alike), by the newest model that has the value, or of_model: similar(''merchant'', ''Acme'').';

CREATE OR REPLACE MACRO expected(of_column, given, of_model := NULL) AS TABLE
    WITH asked AS (
        SELECT coalesce(
            of_model,
            (SELECT max(model_id) FROM tokens WHERE column_name = of_column),
            (SELECT max(model_id) FROM models)) AS model_id),
    chosen AS (FROM tokens WHERE model_id = (SELECT model_id FROM asked)),
    met AS (FROM pairs WHERE model_id = (SELECT model_id FROM asked)),
    single AS (
        SELECT chosen.*, met.n_records AS n FROM chosen LEFT JOIN met
            ON met.token_id = chosen.token_id AND met.other_id = chosen.token_id),
    total AS (SELECT sum(n) AS n FROM single WHERE column_name = of_column),
    given_tokens AS (SELECT token_id, n FROM single WHERE list_contains(given::VARCHAR[], column_name || '=' || token)),
    attraction AS (
        SELECT one.token_id, sum(ln((coalesce(met.n_records, 0) + 1) / (given_tokens.n * one.n / total.n + 1)))
            / sqrt(count(*)) AS log_ratio
        FROM single AS one CROSS JOIN given_tokens CROSS JOIN total
            LEFT JOIN met ON met.token_id = given_tokens.token_id AND met.other_id = one.token_id
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
        WHEN (SELECT count(*) FROM chosen) = 0 THEN error('the store has no such model')
        WHEN found IS NULL THEN error(concat('the model has no column ', of_column))
        WHEN (SELECT count(*) FROM given_tokens) < len(given)
            THEN error(concat('the model lacks some of these tokens (a number goes by its bin, as the table tokens has it): ', array_to_string(given::VARCHAR[], ', ')))
        ELSE found END, recursive := true) FROM ordered;
COMMENT ON MACRO TABLE expected IS
    'How likely each value of a column is together with given tokens (chance, 0 to 1), most likely first, by the newest model that has the column, or of_model: expected(''country'', [''channel=chip'', ''currency=GBP'']).';

CREATE OR REPLACE MACRO why(of_key, of_run := NULL) AS TABLE
    WITH chosen AS (
        SELECT coalesce(
            of_run,
            (SELECT max(run_id) FROM flags WHERE key = of_key::VARCHAR),
            (SELECT max(run_id) FROM scores WHERE key = of_key::VARCHAR),
            (SELECT max(run_id) FROM runs)) AS run),
    summed AS (
        SELECT column_name, value, round(sum(contribution), 3) AS contribution,
            list(view ORDER BY contribution DESC, view) AS views, any_value(expected) AS expected
        FROM contributions, chosen WHERE run_id = run AND key = of_key::VARCHAR GROUP BY column_name, value),
    ordered AS (
        SELECT list({column_name: column_name, value: value, contribution: contribution, views: views,
            expected: expected, source: (SELECT source FROM runs, chosen WHERE run_id = run)}
            ORDER BY contribution DESC, column_name, value) AS found FROM summed),
    scored AS (SELECT any_value(flagged) AS flagged FROM scores, chosen WHERE run_id = run AND key = of_key::VARCHAR)
    SELECT unnest(CASE
        WHEN run IS NULL THEN error('the store has no run yet: run `anomembed score` first')
        WHEN run NOT IN (SELECT run_id FROM runs) THEN error(concat('the store has no run ', run))
        WHEN found IS NOT NULL THEN found
        WHEN flagged THEN error(concat('run ', run, ' explains its most abnormal flags only, and not ', of_key))
        WHEN NOT flagged THEN error(concat('run ', run, ' did not flag ', of_key))
        ELSE error(concat('run ', run, ' scored no record ', of_key, '; for another run, add of_run := N')) END, max_depth := 2)
    FROM ordered, scored, chosen;
COMMENT ON MACRO TABLE why IS
    'How much every column adds to the raw score of a flagged record, over all views (high = abnormal), of the newest run that flagged it or of_run; source is the table: why(''4711'').';
