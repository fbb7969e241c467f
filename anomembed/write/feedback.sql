-- What counts of what people said: the newest verdict on each record that was not withdrawn.
SELECT source, key, run_id, verdict FROM feedback
QUALIFY row_number() OVER (PARTITION BY source, key ORDER BY feedback_id DESC) = 1 AND verdict <> 'withdrawn'
