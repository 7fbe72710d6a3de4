-- reject
-- column: resulted_at
-- A swapped pair of columns, or another tube's line.
SELECT receipt_no, row_no FROM incoming WHERE is_before(resulted_at, tested_at)
