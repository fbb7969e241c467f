-- How often the numbers of each record have been the same in a row, at its entity. Names with "past: " are ours.
WITH placed AS (
    -- Where a number changed: the place of the record among those of its entity.
    SELECT $position AS "past: at", $entity AS "past: of", row_number() OVER stream AS "past: row", $changes
    FROM records
    WHERE $entity IS NOT NULL AND $time IS NOT NULL
    WINDOW stream AS (PARTITION BY $entity ORDER BY $time, $identity)
)
SELECT "past: at" AS $position, $counts
FROM placed
WINDOW so_far AS (PARTITION BY "past: of" ORDER BY "past: row" ROWS UNBOUNDED PRECEDING)
