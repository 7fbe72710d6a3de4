-- reject
-- column: resulted_at
-- Optional; where given it is a real time, and not a coming one.
SELECT receipt_no, row_no
FROM checked_row
WHERE has_resulted_at AND NOT coalesce(resulted <= $as_of::TIMESTAMP + INTERVAL 1 HOUR, false)
