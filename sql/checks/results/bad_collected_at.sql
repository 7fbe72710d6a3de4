-- reject
-- column: collected_at
-- Optional; where given it names the collection, so it must be a real date.
SELECT receipt_no, row_no FROM incoming WHERE collected_at <> '' AND time_of(collected_at) IS NULL
