-- How even the last intervals between the entity of a record and its target were. Names with "past: " are ours.
WITH placed AS (
    -- Of every record: its time, and those of the two before it of the same entity and target, in seconds.
    SELECT $position AS "past: at",
        $entity AS "past: of",
        $target AS "past: with",
        $identity AS "past: identity",
        epoch($time) AS "past: now",
        lag(epoch($time)) OVER contacts AS "past: last",
        lag(epoch($time), 2) OVER contacts AS "past: last but one"
    FROM records
    WHERE $entity IS NOT NULL AND $target IS NOT NULL AND $time IS NOT NULL
    WINDOW contacts AS (PARTITION BY $entity, $target ORDER BY epoch($time), $identity)
),
paired AS (
    -- How much the last two intervals differ, as -log of a share that is uniform by chance; null with fewer than two.
    SELECT *,
        CASE WHEN "past: now" > "past: last but one" THEN -ln(greatest(
            (abs("past: now" - 2 * "past: last" + "past: last but one") + $resolution)
                / ("past: now" - "past: last but one" + $resolution),
            $least
        )) END AS "past: even"
    FROM placed
)
SELECT "past: at" AS $position,
    CAST(avg("past: even") OVER latest AS FLOAT) AS $evenness,
    CAST(count("past: even") OVER latest AS FLOAT) AS $compared,
    CAST(avg(if("past: even" IS NULL, NULL, "past: now" - "past: last")) OVER latest AS FLOAT) AS $interval,
    CAST(row_number() OVER latest AS FLOAT) AS $contact
FROM paired
WINDOW latest AS (
    PARTITION BY "past: of", "past: with" ORDER BY "past: now", "past: identity"
    ROWS BETWEEN $before PRECEDING AND CURRENT ROW
)
