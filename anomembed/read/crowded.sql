-- Values that had, within two windows in a row, more of their records so far than chance makes in a table of that size:
-- few, so that they are found first.
-- Names that begin with "burst: " are ours.
WITH buckets AS (
    SELECT $value AS "burst: of", CAST(floor(epoch($time) / $window) AS BIGINT) AS bucket, count(*) AS n
    FROM records
    WHERE $value IS NOT NULL AND $time IS NOT NULL AND isfinite($time)
    GROUP BY ALL
),
extent AS (SELECT sum(n) AS n_all, min(bucket) AS first FROM buckets),
pairs AS (
    SELECT "burst: of", bucket,
        n + if(lag(bucket) OVER so_far = bucket - 1, lag(n) OVER so_far, 0) AS n,
        sum(n) OVER so_far AS so_far
    FROM buckets
    WINDOW so_far AS (PARTITION BY "burst: of" ORDER BY bucket)
),
shared AS (
    SELECT *, least(2 / (bucket + 1 - first), 1) AS share
    FROM pairs, extent
    WHERE n >= $least
)
SELECT "burst: of", n / n_all AS part
FROM shared
WHERE n > so_far * share AND $evidence > ln(n_all)
