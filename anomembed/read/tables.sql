-- The tables and views of a database.
SELECT schema_name, table_name
FROM duckdb_tables()
WHERE NOT internal AND database_name = current_database()
UNION ALL
SELECT schema_name, view_name
FROM duckdb_views()
WHERE NOT internal AND database_name = current_database()
ORDER BY ALL
