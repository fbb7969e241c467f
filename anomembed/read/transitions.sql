-- How often one value follows another in the records of an entity.
WITH pairs AS (
    SELECT lag($value) OVER (PARTITION BY $entity ORDER BY $order, $value) AS before, $value AS now
    FROM $records
    WHERE $entity IS NOT NULL AND $order IS NOT NULL
)
SELECT before, now, count(*) AS n_records
FROM pairs
GROUP BY ALL
ORDER BY ALL
