-- The macros of a store, recreated by every migration: a change here needs a migration of its own number, even an
-- empty one. A macro explains itself in its comment.

CREATE OR REPLACE MACRO spelled(of_token) AS
    lower(nfc_normalize(trim(regexp_replace(of_token, '[\s\x{a0}]+', ' ', 'g'))));
COMMENT ON MACRO spelled IS
    'A value without what spellings of it differ in: its case, blanks around it or doubled, the form of its Unicode.';

CREATE OR REPLACE MACRO is_value(of_token, low, high, of_value) AS
    of_token = of_value::VARCHAR OR spelled(of_token) = spelled(of_value::VARCHAR)
    OR coalesce(TRY_CAST(of_value AS DOUBLE) >= low AND TRY_CAST(of_value AS DOUBLE) < high, false);
COMMENT ON MACRO is_value IS
    'Whether a token stands for a value: the value itself in any spelling, or the bin that a number is in.';

CREATE OR REPLACE MACRO is_column(column_name, of_column) AS lower(column_name) = lower(of_column);
COMMENT ON MACRO is_column IS 'Whether a column is meant by a name: as in SQL, whatever its case.';

CREATE OR REPLACE MACRO plain_text(of_text) AS regexp_replace(of_text, '[\x00-\x1f\x7f-\x{9f}]', '?', 'g');
COMMENT ON MACRO plain_text IS 'A text with a question mark in place of what a terminal would obey.';

CREATE OR REPLACE MACRO model_with(of_column) AS coalesce(
    (SELECT max(model_id) FROM tokens WHERE is_column(column_name, of_column)),
    (SELECT model_id FROM (SELECT DISTINCT model_id, column_name FROM tokens)
        ORDER BY levenshtein(lower(column_name), lower(of_column)), model_id DESC LIMIT 1),
    (SELECT max(model_id) FROM models));
COMMENT ON MACRO model_with IS 'The newest model that has a column, or the one with the nearest name.';

CREATE OR REPLACE MACRO model_of(of_column, of_value, of_model) AS coalesce(
    of_model,
    (SELECT max(model_id) FROM tokens
        WHERE is_column(column_name, of_column) AND n_records > 0 AND is_value(token, low, high, of_value)),
    model_with(of_column));
COMMENT ON MACRO model_of IS 'The model to ask for a value: of_model, or the newest that has it, or its column, or any.';

CREATE OR REPLACE MACRO no_value(of_column, of_value, of_model) AS concat(
    CASE WHEN lower(of_column) IN (SELECT lower(column_name) FROM tokens WHERE model_id = of_model)
        THEN concat('the model has no ', plain_text(of_column), '=', plain_text(left(of_value::VARCHAR, 80)), '; did you mean ', (
            SELECT string_agg(plain_text(token), ', ' ORDER BY steps, token) FROM (
                SELECT token, levenshtein(lower(token[:80]), lower(left(of_value::VARCHAR, 80))) AS steps FROM tokens
                WHERE model_id = of_model AND is_column(column_name, of_column) AND kind = 'value' AND n_records > 0
                ORDER BY steps, token LIMIT 3)), '?')
        ELSE concat('the model has no column ', plain_text(of_column), '; there are: ', (
            SELECT string_agg(plain_text(column_name), ', ' ORDER BY levenshtein(lower(column_name), lower(of_column)), column_name)
            FROM (SELECT DISTINCT column_name FROM tokens WHERE model_id = of_model))) END,
    ' (for another model, add of_model := N)');
COMMENT ON MACRO no_value IS 'What to say of a value or a column that a model does not have: the nearest ones.';

CREATE OR REPLACE MACRO "similar"(of_column, of_token, of_model := NULL) AS TABLE
    WITH model AS MATERIALIZED (SELECT model_of(of_column, of_token, of_model) AS id),
    known AS (
        SELECT *, sqrt(list_inner_product(embedding, embedding)) AS length FROM tokens
        WHERE model_id = (SELECT id FROM model)),
    chosen AS (
        SELECT *, length > 1e-4 * (SELECT max(length) FROM known) AS has_company FROM known
        WHERE is_column(column_name, of_column) AND n_records > 0),
    asked AS (
        FROM chosen WHERE is_value(token, low, high, of_token)
        ORDER BY token <> of_token::VARCHAR, n_records DESC, token LIMIT 1),
    compared AS (
        SELECT token, n_records,
            list_cosine_similarity(embedding, (SELECT embedding FROM asked)) AS similarity
        FROM chosen WHERE token <> (SELECT token FROM asked) AND has_company),
    ordered AS (
        SELECT list({token: token, similarity: round(similarity, 4), n_records: n_records}
            ORDER BY similarity DESC, token) AS found FROM compared)
    SELECT unnest(CASE
        WHEN (SELECT count(*) FROM known) = 0 THEN error('the store has no such model')
        WHEN (SELECT count(*) FROM asked) = 0 THEN error(no_value(of_column, of_token, (SELECT id FROM model)))
        WHEN NOT (SELECT has_company FROM asked)
            THEN error(concat(plain_text(of_column), '=', plain_text(of_token::VARCHAR), ' occurs with all values alike: nothing is similar to it'))
        ELSE found END, recursive := true) FROM ordered;
COMMENT ON MACRO TABLE "similar" IS
    'Values of a column that occur with the same others as a given value, most similar first (cosine similarity, 1 = alike), by the newest model that has the value, or of_model: similar(''merchant'', ''Acme''); a number is found by its bin: similar(''amount'', 479.9).';

CREATE OR REPLACE MACRO together(of_column, of_value, other_column, other_value, of_model := NULL) AS TABLE
    WITH model AS MATERIALIZED (SELECT model_of(of_column, of_value, of_model) AS id),
    known AS (
        SELECT t.token_id, t.column_name, t.token, t.low, t.high, p.n_records AS n FROM tokens t JOIN pairs p
            ON p.model_id = t.model_id AND p.token_id = t.token_id AND p.other_id = t.token_id
        WHERE t.model_id = (SELECT id FROM model)),
    first_one AS (
        FROM known WHERE is_column(column_name, of_column) AND is_value(token, low, high, of_value)
        ORDER BY token <> of_value::VARCHAR, n DESC, token LIMIT 1),
    second_one AS (
        FROM known WHERE is_column(column_name, other_column) AND is_value(token, low, high, other_value)
        ORDER BY token <> other_value::VARCHAR, n DESC, token LIMIT 1),
    met AS (
        SELECT coalesce((
            SELECT n_records FROM pairs WHERE model_id = (SELECT id FROM model)
            AND token_id = (SELECT token_id FROM first_one) AND other_id = (SELECT token_id FROM second_one)), 0) AS seen,
            (SELECT sum(n) FROM known WHERE is_column(column_name, of_column)) AS total)
    SELECT unnest(CASE
        WHEN (SELECT count(*) FROM known) = 0 THEN error('the store has no such model')
        WHEN (SELECT count(*) FROM first_one) = 0 THEN error(no_value(of_column, of_value, (SELECT id FROM model)))
        WHEN (SELECT count(*) FROM second_one) = 0 THEN error(no_value(other_column, other_value, (SELECT id FROM model)))
        ELSE [{seen: seen, expected: round(a.n * b.n / total, 1), share: round(seen / a.n, 4), n_first: a.n,
            n_second: b.n, n_records: total}] END, recursive := true)
    FROM met LEFT JOIN first_one a ON true LEFT JOIN second_one b ON true;
COMMENT ON MACRO TABLE together IS
    'How often two values meet in the records learnt from (seen), how often they would by chance (expected), and the share of the records with the first that have the second: together(''merchant'', ''Acme'', ''country'', ''BR'').';

CREATE OR REPLACE MACRO expected(of_column, given, of_model := NULL) AS TABLE
    WITH asked AS MATERIALIZED (
        SELECT coalesce(of_model, model_with(of_column)) AS model_id),
    entries AS (
        SELECT unnest(CASE WHEN left(given::VARCHAR, 1) = '[' THEN TRY_CAST(given::VARCHAR AS VARCHAR[]) ELSE [given::VARCHAR] END)
            AS entry),
    chosen AS (FROM tokens WHERE model_id = (SELECT model_id FROM asked)),
    met AS (FROM pairs WHERE model_id = (SELECT model_id FROM asked)),
    single AS (
        SELECT chosen.*, met.n_records AS n FROM chosen LEFT JOIN met
            ON met.token_id = chosen.token_id AND met.other_id = chosen.token_id),
    total AS (SELECT sum(n) AS n FROM single WHERE is_column(column_name, of_column)),
    given_tokens AS (
        SELECT entry, token_id, n FROM entries JOIN single ON starts_with(lower(entry), lower(column_name) || '=')
            AND (entry = column_name || '=' || token
                OR is_value(token, low, high, entry[length(column_name) + 2:])
                AND entry NOT IN (SELECT column_name || '=' || token FROM chosen))
        QUALIFY row_number() OVER (PARTITION BY entry ORDER BY n_records DESC, token_id) = 1),
    attraction AS (
        SELECT one.token_id, sum(ln((coalesce(met.n_records, 0) + 1) / (given_tokens.n * one.n / total.n + 1)))
            / sqrt(count(*)) AS log_ratio
        FROM single AS one CROSS JOIN given_tokens CROSS JOIN total
            LEFT JOIN met ON met.token_id = given_tokens.token_id AND met.other_id = one.token_id
        WHERE is_column(one.column_name, of_column) GROUP BY one.token_id),
    scored AS (
        SELECT token, n_records, ln(n_records) + coalesce(log_ratio, 0) AS score
        FROM chosen LEFT JOIN attraction USING (token_id)
        WHERE is_column(column_name, of_column) AND n_records > 0 AND kind NOT IN ('RARE', 'UNSEEN')),
    shares AS (
        SELECT token, round(exp(score) / sum(exp(score)) OVER (), 4) AS chance, n_records
        FROM (SELECT * REPLACE (score - max(score) OVER () AS score) FROM scored)),
    ordered AS (
        SELECT list({token: token, chance: chance, n_records: n_records} ORDER BY chance DESC, token) AS found
        FROM shares),
    unknown AS (SELECT min(entry) AS entry FROM entries WHERE entry NOT IN (SELECT entry FROM given_tokens))
    SELECT unnest(CASE
        WHEN (SELECT count(*) FROM chosen) = 0 THEN error('the store has no such model')
        WHEN found IS NULL THEN error(no_value(of_column, '', (SELECT model_id FROM asked)))
        WHEN (SELECT entry FROM unknown) IS NOT NULL THEN CASE
            WHEN contains((SELECT entry FROM unknown), '=') THEN error(no_value(
                split_part((SELECT entry FROM unknown), '=', 1),
                (SELECT entry[strpos(entry, '=') + 1:] FROM unknown), (SELECT model_id FROM asked)))
            ELSE error(concat('what is given must be like column=value, not ', plain_text((SELECT entry FROM unknown)))) END
        ELSE found END, recursive := true) FROM ordered;
COMMENT ON MACRO TABLE expected IS
    'How likely each value of a column is together with given tokens (chance, 0 to 1), most likely first, by the newest model that has the column, or of_model: expected(''country'', [''channel=chip'', ''currency=GBP'']).';

CREATE OR REPLACE MACRO history(of_column, of_value) AS TABLE
    WITH named AS MATERIALIZED (
        SELECT DISTINCT column_name FROM (
            SELECT column_name FROM tokens UNION ALL SELECT column_name FROM contributions
            UNION ALL SELECT unnest(json_keys(record)) FROM flags)),
    found AS MATERIALIZED (
        SELECT r.scored_at, f.run_id, f.key, f.rank, f.tail_probability, f.view, f.reason, r.source
        FROM flags f JOIN runs r USING (run_id)
        WHERE spelled(json_extract_string(f.record, concat('$."', replace(of_column, '"', '\"'), '"'))) = spelled(of_value::VARCHAR)
            OR EXISTS (
                FROM contributions c WHERE c.run_id = f.run_id AND c.key = f.key AND c.column_name = of_column
                    AND spelled(c.value) = spelled(of_value::VARCHAR))),
    ordered AS (SELECT list(found ORDER BY run_id, rank) AS flags FROM found)
    SELECT unnest(CASE
        WHEN flags IS NULL AND EXISTS (FROM named) AND of_column NOT IN (FROM named) THEN error(concat('no flag has a column ', of_column, '; there are: ', (
            SELECT string_agg(column_name, ', ' ORDER BY levenshtein(lower(column_name), lower(of_column)), column_name) FROM named)))
        ELSE flags END, max_depth := 2)
    FROM ordered;
COMMENT ON MACRO TABLE history IS
    'The flags of records that have a value, over all runs, oldest first: history(''customer'', ''C17''). Scores of records without a flag do not say whose they are: join the source for those.';

CREATE OR REPLACE MACRO compare_runs(a, b) AS TABLE
    SELECT CASE
            WHEN a NOT IN (SELECT run_id FROM runs) THEN error(concat('the store has no run ', a))
            WHEN b NOT IN (SELECT run_id FROM runs) THEN error(concat('the store has no run ', b))
            WHEN one.flagged AND two.flagged THEN 'in both' WHEN one.flagged THEN 'only in a' ELSE 'only in b' END AS flagged,
        key, one.tail_probability AS tail_a, two.tail_probability AS tail_b, fa.rank AS rank_a, fb.rank AS rank_b,
        coalesce(fb.reason, fa.reason) AS reason
    FROM (FROM scores WHERE run_id = a) one
    FULL JOIN (FROM scores WHERE run_id = b) two USING (key)
    LEFT JOIN flags fa ON fa.run_id = a AND fa.key = coalesce(one.key, two.key)
    LEFT JOIN flags fb ON fb.run_id = b AND fb.key = coalesce(one.key, two.key)
    WHERE one.flagged OR two.flagged
    ORDER BY flagged, least(tail_a, tail_b), key;
COMMENT ON MACRO TABLE compare_runs IS
    'The records that either of two runs flagged, with their tail probabilities and ranks in both; null where a run did not score them: compare_runs(1, 2).';

CREATE OR REPLACE MACRO compare_models(a, b) AS TABLE
    WITH sizes AS (
        SELECT model_id, column_name, sum(n_records) AS total FROM tokens WHERE model_id IN (a, b) GROUP BY ALL),
    shares AS (
        SELECT model_id, column_name, token, n_records, n_records / nullif(total, 0) AS share
        FROM tokens JOIN sizes USING (model_id, column_name) WHERE n_records > 0)
    SELECT CASE
            WHEN a NOT IN (SELECT model_id FROM models) THEN error(concat('the store has no model ', a))
            WHEN b NOT IN (SELECT model_id FROM models) THEN error(concat('the store has no model ', b))
            WHEN one.token IS NULL THEN 'new' WHEN two.token IS NULL THEN 'gone' ELSE 'in both' END AS change,
        column_name, token, one.n_records AS n_records_a, two.n_records AS n_records_b, round(one.share, 5) AS share_a,
        round(two.share, 5) AS share_b
    FROM (FROM shares WHERE model_id = a) one FULL JOIN (FROM shares WHERE model_id = b) two USING (column_name, token)
    ORDER BY abs(coalesce(two.share, 0) - coalesce(one.share, 0)) DESC, column_name, token;
COMMENT ON MACRO TABLE compare_models IS
    'The values that two models learnt, with how often each saw them; those whose share changed most first: compare_models(1, 2).';

CREATE OR REPLACE MACRO new_since(moment) AS TABLE
    SELECT r.scored_at, f.run_id, f.key, f.rank, f.tail_probability, f.view, f.reason, r.source
    FROM flags f JOIN runs r USING (run_id)
    WHERE r.scored_at >= CASE WHEN typeof(moment) = 'TIMESTAMP WITH TIME ZONE'
            THEN timezone('UTC', moment::TIMESTAMPTZ) ELSE moment::TIMESTAMP END
        AND NOT EXISTS (
        FROM flags before JOIN runs earlier USING (run_id)
        WHERE before.key = f.key AND earlier.source = r.source AND earlier.run_id < f.run_id)
    ORDER BY f.run_id, f.rank;
COMMENT ON MACRO TABLE new_since IS
    'Flags of runs since a time (UTC) whose records no earlier run over the same table had flagged: new_since(now() - INTERVAL 1 DAY).';

CREATE OR REPLACE MACRO why(of_key, of_run := NULL) AS TABLE
    WITH chosen AS (
        SELECT coalesce(
            of_run,
            (SELECT max(run_id) FROM flags WHERE key = of_key::VARCHAR),
            (SELECT max(run_id) FROM scores WHERE key = of_key::VARCHAR),
            (SELECT max(run_id) FROM runs WHERE failure IS NULL)) AS run),
    summed AS (
        SELECT column_name, value, round(sum(contribution), 3) AS contribution,
            list(view ORDER BY contribution DESC, view) AS views, any_value(expected) AS expected
        FROM contributions, chosen WHERE run_id = run AND key = of_key::VARCHAR GROUP BY column_name, value),
    ordered AS (
        SELECT list({column_name: column_name, value: value, contribution: contribution, views: views,
            expected: expected, source: (SELECT source FROM runs, chosen WHERE run_id = run)}
            ORDER BY contribution DESC, column_name, value) AS found FROM summed),
    scored AS (SELECT any_value(flagged) AS flagged FROM scores, chosen WHERE run_id = run AND key = of_key::VARCHAR),
    near AS (
        SELECT string_agg(concat('''', key, ''''), ', ' ORDER BY steps, key) AS keys FROM (
            SELECT key, levenshtein(key[:200], left(of_key::VARCHAR, 200)) AS steps
            FROM scores, chosen, (FROM scored WHERE flagged IS NULL)
            WHERE run_id = run AND steps <= greatest(1, length(of_key::VARCHAR) // 2) ORDER BY steps, key LIMIT 3))
    SELECT unnest(CASE
        WHEN run IS NULL THEN error('the store has no run yet: run `anomembed score` first')
        WHEN run NOT IN (SELECT run_id FROM runs) THEN error(concat('the store has no run ', run))
        WHEN found IS NOT NULL THEN found
        WHEN flagged THEN error(concat('run ', run, ' explains its most abnormal flags only, and not ', of_key))
        WHEN NOT flagged THEN error(concat('run ', run, ' did not flag ', of_key, '; for another run, add of_run := N'))
        ELSE error(concat('run ', run, ' scored no record ', of_key,
            CASE WHEN keys IS NOT NULL THEN concat('; the nearest keys: ', keys) END,
            '; for another run, add of_run := N')) END, max_depth := 2)
    FROM ordered, scored, chosen, near;
COMMENT ON MACRO TABLE why IS
    'How much every column adds to the raw score of a flagged record, over all views (high = abnormal), of the newest run that flagged it or of_run; source is the table: why(''4711'').';
