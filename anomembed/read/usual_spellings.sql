-- The most frequent spelling of every value that is not written as it counts.
SELECT counted, first(written ORDER BY n_records DESC, written) AS usual
FROM (SELECT $value AS written, $spelled AS counted, count(*) AS n_records FROM $records GROUP BY ALL)
WHERE counted IS NOT NULL
GROUP BY counted
HAVING usual <> counted
