-- reject
-- column: pool_size
-- The tube says how many it holds and the list names more: somebody stands in the wrong tube. All its rows come back.
WITH exceeded AS (SELECT receipt_no, tube, day FROM listed_tube WHERE people > declared)
SELECT receipt_no, row_no FROM checked_row SEMI JOIN exceeded USING (receipt_no, tube, day)
