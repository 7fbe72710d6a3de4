-- reject
-- column: problem
-- A control of the plate failed or is missing, or a well's line is cut short: no tube of it has a result. Found by the reader.
SELECT receipt_no, row_no FROM incoming WHERE problem = 'plate_failed'
