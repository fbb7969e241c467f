-- The records, with how long ago the last one with their entity and amount was, how many there were before, and, as a
-- sum of powers of two, in which other columns it is the same. Null where the entity, the amount or the time is unknown.
SELECT records.*,
    CAST(if($entity IS NULL OR $amount IS NULL, NULL, epoch($time - lag($time) OVER alike)) AS DOUBLE) AS $since,
    CAST(row_number() OVER alike - 1 AS DOUBLE) AS $before,
    CAST($same AS DOUBLE) AS $bits
FROM records
WINDOW alike AS (PARTITION BY $entity, $amount ORDER BY $time, $identity)
