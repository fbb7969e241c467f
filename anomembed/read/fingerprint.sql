-- What is in a zone, in two numbers: equal ones mean that nothing came to it since.
SELECT count(*), coalesce(bit_xor(hash(CASE WHEN version >= 0 THEN key END, "position", version)), 0)
FROM (SELECT DISTINCT key, "position", version FROM ($units) WHERE key IS NOT NULL AND ($zone))
