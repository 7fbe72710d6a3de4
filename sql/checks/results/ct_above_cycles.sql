-- reject
-- column: ct
-- More cycles than the assay runs: no Ct. What a spreadsheet made a date of has a reason of its own.
SELECT receipt_no, row_no FROM checked_row WHERE len(list_filter(cycles, lambda number: number < 40000 OR number > 50000)) > 0
