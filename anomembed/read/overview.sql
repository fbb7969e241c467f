-- How much is open, how much farther behind than late records are looked for, and what has no key.
-- Of no units at all count_if is null.
WITH units AS ($units)
SELECT count(*) FILTER (WHERE "position" >= $since AND "position" < $until) AS n_open,
    count(*) FILTER (WHERE "position" < $behind) AS n_behind,
    count(*) FILTER (WHERE key IS NULL AND "position" >= $since AND "position" < $until) AS n_without_key
FROM units
