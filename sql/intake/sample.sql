-- Grain: one row of the batch that passed every rule, as text, at most $rows of them, the same ones at each try: what the second judge sees.
-- Inputs: incoming, typed.
SELECT incoming.*
FROM incoming
SEMI JOIN typed USING (receipt_no, row_no)
ORDER BY hash(receipt_no, row_no)
LIMIT $rows
