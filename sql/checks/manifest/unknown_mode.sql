-- reject
-- column: pooling_mode
-- The programme's own words; an empty cell is the programme's default mode.
SELECT receipt_no, row_no FROM incoming WHERE pooling_mode <> '' AND NOT list_contains($modes, lower(pooling_mode))
