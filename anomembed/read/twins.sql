-- How long ago the last record with the entity and amount of each was, how many there were before, and, as a sum of
-- powers of two, in which other columns it is the same, and its key. No row for a record that is the only one.
WITH repeated AS (
    -- Most records are: those that are not are found first, which takes less than to put all in order.
    SELECT hash($entity, $amount) AS "twin: of"
    FROM records
    WHERE $entity IS NOT NULL AND $amount IS NOT NULL AND $time IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
)
SELECT $position,
    CAST(epoch($time - lag($time) OVER alike) AS DOUBLE) AS $since,
    CAST(row_number() OVER alike - 1 AS DOUBLE) AS $before,
    CAST($same AS DOUBLE) AS $bits,
    CAST(lag($key) OVER alike AS VARCHAR) AS $which
FROM records
WHERE $time IS NOT NULL AND hash($entity, $amount) IN (SELECT "twin: of" FROM repeated)
WINDOW alike AS (PARTITION BY $entity, $amount ORDER BY $time, $identity)
