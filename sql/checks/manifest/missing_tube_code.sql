-- reject
-- column: tube_code
-- Without a tube nothing can be matched. A ragged row has its own reason.
SELECT receipt_no, row_no FROM incoming WHERE tube_code = '' AND problem = ''
