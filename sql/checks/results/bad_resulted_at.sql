-- reject
-- column: resulted_at
-- Optional; where given it is a real time, and not a coming one.
SELECT receipt_no, row_no
FROM incoming
WHERE resulted_at <> '' AND NOT coalesce(time_of(resulted_at) <= $as_of::TIMESTAMP + INTERVAL 1 HOUR, false)
