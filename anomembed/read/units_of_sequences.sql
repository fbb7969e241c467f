-- The sequences that are judged: key, position at which each is complete, and its last event.
SELECT $key AS key,
    max($position) + if($is_done, 0, $after) AS "position",
    max($position) AS last,
    count(*) AS version
FROM $records
WHERE $known
GROUP BY ALL
