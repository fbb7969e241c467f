-- Of the flags of each view that somebody has judged, how many were right, and of all.
WITH judged AS (
    SELECT f.view, v.verdict FROM ({verdicts}) v
    JOIN flags f ON f.source = v.source AND f.key = v.key
    QUALIFY row_number() OVER (PARTITION BY v.source, v.key ORDER BY f.run_id DESC) = 1),
counted AS (
    SELECT coalesce(view, 'all') AS view, grouping(view) AS is_all, count(*) AS n_judged,
        count(*) FILTER (WHERE verdict = 'anomaly') AS n_anomalies
    FROM judged GROUP BY GROUPING SETS ((view), ()))
SELECT view, n_judged, n_anomalies, n_anomalies / n_judged AS precision
FROM counted WHERE n_judged > 0
ORDER BY is_all, n_judged DESC, view
