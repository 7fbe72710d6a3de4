-- reject
-- column: resulted_at
-- A swapped pair of columns, or another tube's line. Where one side is a day without a time, days are compared.
SELECT receipt_no, row_no
FROM checked_row
WHERE CASE WHEN resulted_is_day OR tested_is_day THEN resulted::DATE < tested::DATE ELSE resulted < tested END
