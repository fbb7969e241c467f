-- Count, mean and sum of squared distances from the mean, of one number. Values beyond $bound have no finite square.
count($number) FILTER (WHERE isfinite($number) AND abs($number) < $bound) AS times_$index,
coalesce(avg($number) FILTER (WHERE isfinite($number) AND abs($number) < $bound), 0) AS mean_$index,
coalesce(
    var_pop($number) FILTER (WHERE isfinite($number) AND abs($number) < $bound)
    * count($number) FILTER (WHERE isfinite($number) AND abs($number) < $bound),
    0
) AS squares_$index
