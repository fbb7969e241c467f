-- The values of a column that are most like one, and which values of other columns both occur with more often than by
-- chance: first those of which this is the most evidence for both, in nats.
WITH model AS MATERIALIZED (SELECT model_of($column, $value, $model::BIGINT) AS id),
like_it AS (FROM "similar"($column, $value, of_model := (SELECT id FROM model)) LIMIT $most),
known AS (
    SELECT t.token_id, t.column_name, t.token, t.low, t.high, t.kind, p.n_records AS n
    FROM tokens t
    JOIN pairs p ON p.model_id = t.model_id AND p.token_id = t.token_id AND p.other_id = t.token_id
    WHERE t.model_id = (SELECT id FROM model)
),
asked AS (
    FROM known
    WHERE column_name = $column AND is_value(token, low, high, $value)
    ORDER BY token <> $value, n DESC, token
    LIMIT 1
),
totals AS (SELECT sum(n) AS n FROM known WHERE column_name = $column),
company AS (
    SELECT known.token_id AS of, p.other_id, p.n_records * ln(p.n_records * totals.n / (known.n * other.n)) AS lift
    FROM pairs p
    JOIN known ON known.token_id = p.token_id AND known.column_name = $column
    JOIN known other ON other.token_id = p.other_id AND other.column_name <> $column AND other.kind = 'value'
    CROSS JOIN totals
    WHERE p.model_id = (SELECT id FROM model)
),
shared AS (
    SELECT other.of, known.column_name || '=' || known.token AS name, least(own.lift, other.lift) AS lift
    FROM company own
    JOIN company other USING (other_id)
    JOIN known ON known.token_id = own.other_id
    WHERE own.of = (SELECT token_id FROM asked) AND other.of <> own.of AND least(own.lift, other.lift) > 0
),
named AS (
    SELECT of, list(name ORDER BY lift DESC, name)[:3] AS both FROM shared GROUP BY of
)
SELECT like_it.token, round(1 - like_it.similarity::DOUBLE, 4) AS distance, CAST(like_it.n_records AS BIGINT) AS n_records,
    coalesce(named.both, []) AS both
FROM like_it
LEFT JOIN known ON known.column_name = $column AND known.token = like_it.token
LEFT JOIN named ON named.of = known.token_id
ORDER BY distance, like_it.token
