-- The units of a zone, in the order in which they are judged.
SELECT key, "position", version, last
FROM ($units)
WHERE key IS NOT NULL AND ($zone)
ORDER BY "position", key, version
