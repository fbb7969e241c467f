-- One flag for each finding without a verdict on any of its flags: of open findings of monitors, which nobody has
-- silenced or looks after, and of the newest run over each table otherwise.
WITH spoken AS ({verdicts}),
of_monitors AS (
    SELECT f.key, f.run_id, n.finding_id, n.n_flags, f.tail_probability, f.reason, f.record, f.source
    FROM findings n
    JOIN finding_flags g USING (finding_id)
    JOIN flags f ON f.run_id = g.run_id AND f.key = g.key
    WHERE n.state = 'open'
),
of_others AS (
    SELECT key, run_id, NULL AS finding_id,
        count(*) OVER (PARTITION BY run_id, coalesce(nullif(finding, ''), reason)) AS n_flags,
        tail_probability, reason, record, source, coalesce(nullif(finding, ''), reason) AS same
    FROM latest_flags
    WHERE run_id NOT IN (SELECT run_id FROM runs WHERE monitor IS NOT NULL)
),
everything AS (
    SELECT *, finding_id AS same FROM of_monitors
    UNION ALL
    SELECT * FROM of_others
)
SELECT key, run_id, finding_id, n_flags, tail_probability, reason, models.roles
FROM everything JOIN runs USING (run_id) JOIN models USING (model_id)
WHERE (same, everything.source) NOT IN (
    SELECT DISTINCT (said.same, said.source)
    FROM everything said
    JOIN spoken ON spoken.source = said.source AND spoken.key = said.key
)
QUALIFY row_number() OVER (PARTITION BY same, everything.source ORDER BY tail_probability, run_id DESC, key) = 1
ORDER BY tail_probability, key
