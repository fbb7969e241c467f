-- What a monitor did so far, and what is open.
SELECT
    coalesce(sum(n_scored), 0) AS records, coalesce(sum(n_flagged), 0) AS flags,
    coalesce(sum(n_scored) FILTER (WHERE part = 'late'), 0) AS late,
    coalesce(sum(n_too_late), 0) AS too_late,
    coalesce(sum(n_scored) FILTER (WHERE part = 'quarantined'), 0) AS quarantined,
    (SELECT count(*) FROM findings WHERE monitor = $monitor AND state = 'open') AS findings,
    (SELECT count(*) FROM deliveries JOIN alerts USING (alert_id) WHERE monitor = $monitor AND told_at IS NULL) AS pending
FROM runs WHERE monitor = $monitor AND part IS DISTINCT FROM 'again'
