-- reject
-- column: problem
-- A tube lacks a well of one of the assay's targets or of its internal control. Found by the reader.
SELECT receipt_no, row_no FROM incoming WHERE problem = 'wells_missing'
