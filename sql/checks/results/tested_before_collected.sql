-- reject
-- column: tested_at
-- A result older than its swab is another tube's.
SELECT receipt_no, row_no FROM incoming WHERE is_before(tested_at, collected_at)
