-- The units that a monitor has not seen, in their order, and whether their key and version were judged before.
-- A negative version says which unit it is without its key.
WITH seen AS (
    SELECT CASE WHEN version >= 0 THEN key ELSE '' END AS key, "position", version FROM judged WHERE monitor = $monitor),
numbered AS (
    SELECT *, CASE WHEN version >= 0 THEN key ELSE '' END AS name, row_number() OVER () AS place FROM new_units),
unseen AS (
    FROM numbered n WHERE NOT EXISTS (
        FROM seen s WHERE s.key = n.name AND s.version = n.version AND s."position" IS NOT DISTINCT FROM n."position"))
SELECT u.* EXCLUDE (place, name),
    EXISTS (FROM seen s WHERE s.key = u.name AND s.version = u.version)
        OR row_number() OVER (PARTITION BY u.name, u.version ORDER BY u.place) > 1 AS is_known
FROM unseen u
ORDER BY place
