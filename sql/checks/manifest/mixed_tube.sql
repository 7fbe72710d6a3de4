-- reject
-- column: tube_code
-- A tube has one pooling mode and one declared size; a row that leaves the size empty says nothing.
WITH mixed AS (SELECT receipt_no, tube, day FROM listed_tube WHERE disagrees)
SELECT receipt_no, row_no FROM checked_row SEMI JOIN mixed USING (receipt_no, tube, day)
