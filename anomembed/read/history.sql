-- What the entity of each record did before it. Names that begin with "past: " are ours.
WITH moments AS (
    -- Records of an entity at the same moment are summed first: DuckDB takes thirty times as long for windows over
    -- times that repeat.
    SELECT $entity AS "past: who", $time AS "past: moment", count(*) AS "past: at once" $sums
    FROM records
    GROUP BY "past: who", "past: moment"
),
recent AS (
    -- What each entity did in the windows that end with each of its moments.
    SELECT "past: who", "past: moment", $totals
    FROM moments
    WINDOW $windows
)
SELECT $position,
    $steps,
    $paces
FROM records
LEFT JOIN recent ON $entity = "past: who" AND $time = "past: moment"
-- The hash separates different records with the same event at the same moment, whatever the order of the rows.
WINDOW stream AS (PARTITION BY $entity ORDER BY $time, $event, $identity)
