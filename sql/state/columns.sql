-- Grain: one column of the warehouse, for comparing a file with what this version of unpool makes. Temporary tables are none of it.
SELECT table_name, column_name, data_type
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal
