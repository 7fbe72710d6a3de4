"""The warehouse: facts and decisions about tubes and specimens, by pseudonym. The only room that opens DuckDB."""
