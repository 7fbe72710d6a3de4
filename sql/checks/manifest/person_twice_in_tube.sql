-- reject
-- column: tube_code
-- The first row stands, the others come back: two swabs of one person would be counted as two people.
WITH again AS (
    SELECT receipt_no, tube, day, person, first_row FROM tube_person WHERE listed > 1 AND person IS NOT NULL
)
SELECT checked_row.receipt_no, checked_row.row_no
FROM checked_row
JOIN again USING (receipt_no, tube, day, person)
WHERE checked_row.row_no > again.first_row
