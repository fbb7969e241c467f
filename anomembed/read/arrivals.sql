-- How records came in a zone, by value and hour: how many, the first and the last, the longest time between two of them.
WITH placed AS (
    SELECT value, "position", CAST(floor("position" / 3600000000) AS BIGINT) AS "hour"
    FROM ($units)
    WHERE value IS NOT NULL AND ($zone)
),
chosen AS (
    -- Of a column with many values, those of the most records.
    SELECT value FROM placed WHERE $wanted GROUP BY value ORDER BY count(*) DESC, value LIMIT $most
),
spaced AS (
    SELECT *, "position" - lag("position") OVER (PARTITION BY value, "hour" ORDER BY "position") AS silence
    FROM placed SEMI JOIN chosen USING (value)
)
SELECT value, "hour", count(*) AS n_records, min("position") AS "first", max("position") AS "last",
    coalesce(max(silence), 0) AS widest
FROM spaced
GROUP BY ALL
ORDER BY ALL
