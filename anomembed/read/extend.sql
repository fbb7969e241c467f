-- The records with the columns that a query adds to them, copied. The order of the source is kept, because records
-- without a key are identified by their row number.
CREATE TEMP TABLE $extended AS
WITH records AS (SELECT *, row_number() OVER () AS $position FROM $source)
SELECT * EXCLUDE ($position)
FROM (
$query
)
ORDER BY $position
