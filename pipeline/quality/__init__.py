"""Checks: rows by the SQL of `sql/checks`, files by the Great Expectations suites of `expectations`, and what goes back to the sender."""
