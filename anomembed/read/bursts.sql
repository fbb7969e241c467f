-- How many records with the value of each came within the last $window seconds, how many there were so far, and the
-- evidence that they came at once: Chernoff's bound, in nats, had they come when the records of all values did, or
-- evenly over the time so far, whichever makes more of them likely. No row where fewer came than that.
WITH moments AS (
    SELECT epoch($time) AS moment, sum(count(*)) OVER (ORDER BY epoch($time)) AS everybody
    FROM records
    WHERE $time IS NOT NULL AND isfinite($time)
    GROUP BY moment
),
counted AS (
    SELECT $position AS "burst: at", epoch($time) AS moment, count(*) OVER latest AS n, count(*) OVER before AS so_far
    FROM records
    WHERE $time IS NOT NULL AND isfinite($time) AND $value IN (SELECT "burst: of" FROM $crowded)
    WINDOW latest AS (PARTITION BY $value ORDER BY epoch($time) RANGE BETWEEN $window PRECEDING AND CURRENT ROW),
        before AS (PARTITION BY $value ORDER BY epoch($time) RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
placed AS (
    SELECT "burst: at", n, so_far,
        greatest(
            1 - coalesce(earlier.everybody, 0) / now.everybody,
            $window / greatest(counted.moment - (SELECT min(moment) FROM moments), $window)
        ) AS share
    FROM counted
    JOIN moments now ON now.moment = counted.moment
    ASOF LEFT JOIN moments earlier ON earlier.moment < counted.moment - $window
)
SELECT "burst: at" AS $position,
    CAST(n AS DOUBLE) AS $times,
    CAST(so_far AS DOUBLE) AS $total,
    CAST($evidence AS FLOAT) AS $nats
FROM placed
WHERE n >= $least AND n > so_far * share
