-- reject
-- column: ct
-- A spreadsheet made a date of it: 17.03 becomes 41350. The rejects file shows the probable value, nothing is repaired.
SELECT receipt_no, row_no FROM checked_row WHERE len(list_filter(cycles, lambda number: number BETWEEN 40000 AND 50000)) > 0
