-- Count, mean and sum of squared distances from the mean, of one number. Values beyond 1e150 have no finite square.
count($number) FILTER (WHERE isfinite($number) AND abs($number) < 1e150) AS times_$index,
coalesce(avg($number) FILTER (WHERE isfinite($number) AND abs($number) < 1e150), 0) AS mean_$index,
coalesce(
    var_pop($number) FILTER (WHERE isfinite($number) AND abs($number) < 1e150)
    * count($number) FILTER (WHERE isfinite($number) AND abs($number) < 1e150),
    0
) AS squares_$index
