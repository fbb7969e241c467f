-- Values that had, within two windows in a row, more of their records so far than chance makes in a table of that size:
-- few, so that they are found first.
-- Names that begin with "burst: " are ours.
WITH buckets AS (
    SELECT $value AS "burst: of", CAST(floor(epoch($time) / $window) AS BIGINT) AS bucket, count(*) AS n
    FROM records
    WHERE $value IS NOT NULL AND $time IS NOT NULL AND isfinite($time)
    GROUP BY ALL
),
pairs AS (
    SELECT now."burst: of",
        now.n + coalesce(before.n, 0) AS n,
        sum(now.n) OVER (PARTITION BY now."burst: of" ORDER BY now.bucket) AS so_far,
        least(2 / (now.bucket + 1 - min(now.bucket) OVER ()), 1) AS share,
        sum(now.n) OVER () AS n_all
    FROM buckets now
    LEFT JOIN buckets before ON before."burst: of" = now."burst: of" AND before.bucket = now.bucket - 1
)
SELECT "burst: of", n / n_all AS part
FROM pairs
WHERE n >= $least AND n > so_far * share AND $evidence > ln(n_all)
