-- How much is open, how much farther behind than late records are looked for, and what has no key.
WITH units AS ($units)
SELECT count_if("position" >= $since AND "position" < $until) AS n_open,
    count_if("position" < $behind) AS n_behind,
    count_if(key IS NULL AND "position" >= $since AND "position" < $until) AS n_without_key
FROM units
