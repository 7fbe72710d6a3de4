-- Grain: one column of a table, for comparing a file with what this version of unpool makes. $table_name.
-- (duckdb_columns() lists the same, and fills the whole catalogue first: ten times as long on a connection just opened.)
SELECT name, type FROM pragma_table_info($table_name)
