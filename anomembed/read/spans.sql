-- Seconds between the first and the last record of every entity.
SELECT $entity AS entity, epoch(max($time) - min($time)) AS seconds
FROM $records
GROUP BY ALL
