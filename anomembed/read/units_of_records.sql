SELECT $key AS key, $position AS "position", $position AS last, CAST($version AS BIGINT) AS version
FROM $records
