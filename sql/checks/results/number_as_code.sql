-- reject
-- column: *
-- A workbook's number or date where a code should be text: what was lost of it (zeros, digits, dashes) nobody can tell. Found by the reader.
SELECT receipt_no, row_no, split_part(problem, ':', 2) AS column_name FROM incoming WHERE starts_with(problem, 'number_as_code:')
