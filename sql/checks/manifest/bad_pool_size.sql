-- reject
-- column: pool_size
-- A whole number up to the programme's limit. A pool of pools (5x6, 30:1) is refused: not validated. [China NHC, June 2022]
SELECT receipt_no, row_no FROM checked_row WHERE has_pool_size AND NOT coalesce(declared BETWEEN 1 AND $max_pool_size, false)
