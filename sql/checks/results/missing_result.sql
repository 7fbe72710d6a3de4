-- reject
-- column: result
-- No empty cell becomes a call. Withdrawn (W) and cancelled (X) rows need none.
SELECT receipt_no, row_no FROM incoming WHERE result = '' AND status NOT IN ('W', 'X') AND problem = ''
