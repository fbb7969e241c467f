-- The records that are judged: key, position, and which version of the key each is.
SELECT $key AS key, $position AS "position", $position AS last, CAST($version AS BIGINT) AS version
FROM $records
