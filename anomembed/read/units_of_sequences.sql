SELECT $key AS key,
    max($position) + if($is_done, 0, $after) AS "position",
    max($position) AS last,
    count(*) AS version
FROM $records
WHERE $known
GROUP BY ALL
