-- reject
-- column: collected_at
-- Optional; where given it names the collection, so it must be a real date.
SELECT receipt_no, row_no FROM checked_row WHERE has_collected_at AND taken IS NULL
