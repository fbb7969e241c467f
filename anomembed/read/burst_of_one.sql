-- What bursts.sql says of one record, counted without looking at each of the others: how many with its value came within
-- the last $window seconds, how many there were so far, and the evidence that they came at once. No row for most records.
WITH own AS (
    SELECT $value AS of, epoch($time) AS moment
    FROM records
    WHERE $own AND $value IS NOT NULL AND $time IS NOT NULL AND isfinite($time)
    LIMIT 1
),
alike AS (
    SELECT CAST(floor(epoch($time) / $window) AS BIGINT) AS bucket, epoch($time) AS moment
    FROM records
    WHERE $value = (SELECT of FROM own) AND $time IS NOT NULL AND isfinite($time)
),
everybody AS (
    SELECT count($value) AS n_all,
        count(*) FILTER (epoch($time) <= own.moment) AS now,
        count(*) FILTER (epoch($time) < own.moment - $window) AS earlier,
        CAST(floor(min(epoch($time)) FILTER ($value IS NOT NULL) / $window) AS BIGINT) AS first_bucket,
        min(epoch($time)) AS first_moment
    FROM records, own
    WHERE $time IS NOT NULL AND isfinite($time)
),
buckets AS (SELECT bucket, count(*) AS n FROM alike GROUP BY ALL),
pairs AS (
    SELECT now.n + coalesce(before.n, 0) AS n,
        sum(now.n) OVER (ORDER BY now.bucket) AS so_far,
        least(2 / (now.bucket + 1 - (SELECT first_bucket FROM everybody)), 1) AS share
    FROM buckets now LEFT JOIN buckets before ON before.bucket = now.bucket - 1
),
crowded AS (
    FROM pairs WHERE n >= $least AND n > so_far * share AND $evidence > ln((SELECT n_all FROM everybody)) LIMIT 1
),
counted AS (
    SELECT count(*) FILTER (alike.moment >= own.moment - $window) AS n, count(*) AS so_far
    FROM alike, own
    WHERE alike.moment <= own.moment AND EXISTS (FROM crowded)
),
placed AS (
    SELECT n, so_far,
        greatest(1 - earlier / now, $window / greatest(own.moment - first_moment, $window)) AS share
    FROM counted, everybody, own
)
SELECT CAST(n AS DOUBLE), CAST(so_far AS DOUBLE), CAST(CAST($evidence AS FLOAT) AS DOUBLE) FROM placed
WHERE n >= $least AND n > so_far * share
