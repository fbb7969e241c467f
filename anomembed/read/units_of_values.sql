-- Each record as the value that it has in a column, and its position.
SELECT $value AS value, $position AS "position"
FROM $records
