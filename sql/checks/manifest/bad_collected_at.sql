-- reject
-- column: collected_at
-- The profile's date patterns have made ISO of what they know; what is left is no date, or a day that does not exist.
SELECT receipt_no, row_no FROM checked_row WHERE has_collected_at AND taken IS NULL
