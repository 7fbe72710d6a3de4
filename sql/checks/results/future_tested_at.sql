-- reject
-- column: tested_at
-- One hour of grace for a clock that is ahead.
SELECT receipt_no, row_no FROM checked_row WHERE tested > $as_of::TIMESTAMP + INTERVAL 1 HOUR
