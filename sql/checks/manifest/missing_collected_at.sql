-- reject
-- column: collected_at
-- A tube is its code and its collection day.
SELECT receipt_no, row_no FROM incoming WHERE collected_at = '' AND problem = ''
