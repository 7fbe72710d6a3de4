-- reject
-- column: collected_at
-- An old manifest dropped again by mistake must not call anybody.
SELECT receipt_no, row_no FROM checked_row WHERE day < $as_of::DATE - $max_collected_age_days::INTEGER
