-- reject
-- column: tube_code
-- People, not rows. Nobody can tell who was one too many: all rows of the tube come back together.
WITH large AS (SELECT receipt_no, tube, day FROM listed_tube WHERE people > $max_pool_size)
SELECT receipt_no, row_no FROM checked_row SEMI JOIN large USING (receipt_no, tube, day)
