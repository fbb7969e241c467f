-- The units that a monitor has not seen, in their order, and whether their key and version were judged before.
WITH numbered AS (SELECT *, row_number() OVER () AS place FROM new_units),
unseen AS (
    FROM numbered n WHERE NOT EXISTS (
        FROM judged j WHERE j.monitor = $monitor AND j.key = n.key AND j.version = n.version
            AND j."position" IS NOT DISTINCT FROM n."position"))
SELECT u.* EXCLUDE (place),
    EXISTS (FROM judged j WHERE j.monitor = $monitor AND j.key = u.key AND j.version = u.version)
        OR row_number() OVER (PARTITION BY u.key, u.version ORDER BY u.place) > 1 AS is_known
FROM unseen u
ORDER BY place
