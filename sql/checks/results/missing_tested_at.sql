-- reject
-- column: tested_at
-- Which collection of a tube code a result belongs to is found by its test time.
SELECT receipt_no, row_no FROM incoming WHERE tested_at = '' AND problem = ''
