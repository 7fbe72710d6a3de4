-- reject
-- column: *
-- Under merged cells of a workbook, a row says less than it shows, and what was meant for it nobody can tell. Found by the reader.
SELECT receipt_no, row_no, split_part(problem, ':', 2) AS column_name FROM incoming WHERE starts_with(problem, 'merged_cells:')
