-- Count, mean and sum of squared distances from the mean, of one number per entity. Numbers that have no finite square
-- are null here.
count($number) AS times_$index,
coalesce(avg($number), 0) AS mean_$index,
coalesce(var_pop($number) * count($number), 0) AS squares_$index
