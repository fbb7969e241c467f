-- The records, with how long ago the last one with their entity and amount was, how many there were before, and, as a
-- sum of powers of two, in which other columns it is the same. Null for a record that is the only one.
WITH repeated AS (
    -- Most records are: those that are not are found first, which takes less than to put all in order.
    SELECT hash($entity, $amount) AS "twin: of"
    FROM records
    WHERE $entity IS NOT NULL AND $amount IS NOT NULL AND $time IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
),
ordered AS (
    SELECT $position AS "twin: at",
        CAST(epoch($time - lag($time) OVER alike) AS DOUBLE) AS $since,
        CAST(row_number() OVER alike - 1 AS DOUBLE) AS $before,
        CAST($same AS DOUBLE) AS $bits
    FROM records
    WHERE $time IS NOT NULL AND hash($entity, $amount) IN (SELECT "twin: of" FROM repeated)
    WINDOW alike AS (PARTITION BY $entity, $amount ORDER BY $time, $identity)
)
SELECT records.*, $since, $before, $bits
FROM records
LEFT JOIN ordered ON $position = "twin: at"
