-- How many units are in each window from $since to $until, the oldest first; windows without any are left out.
WITH units AS ($units)
SELECT CAST(floor("position" / $length) AS BIGINT) AS "window", count(*) AS n_units
FROM units
WHERE "position" >= $since AND "position" < $until
GROUP BY ALL
ORDER BY ALL
