-- reject
-- column: tested_at
-- No date after the profile's patterns, or a day that does not exist.
SELECT receipt_no, row_no FROM checked_row WHERE has_tested_at AND tested IS NULL
