-- When the first and the last record of every entity was, in microseconds since 1970.
SELECT $entity AS entity, epoch_us(min($time)) AS since, epoch_us(max($time)) AS until
FROM $records
GROUP BY ALL
