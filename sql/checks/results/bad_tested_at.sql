-- reject
-- column: tested_at
-- No date after the profile's patterns, or a day that does not exist.
SELECT receipt_no, row_no FROM incoming WHERE tested_at <> '' AND time_of(tested_at) IS NULL
