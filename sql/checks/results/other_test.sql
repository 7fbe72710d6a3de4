-- reject
-- column: problem
-- A file of several tests: this row is none of the programme's, or does not say which it is. Found by the reader, by the profile's `only`.
SELECT receipt_no, row_no FROM incoming WHERE problem = 'other_test'
