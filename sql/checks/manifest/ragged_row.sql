-- reject
-- column: problem
-- A row with more or fewer cells than the heading: which cell is which is not known, so none is read.
SELECT receipt_no, row_no FROM incoming WHERE problem = 'ragged_row'
