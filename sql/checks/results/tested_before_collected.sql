-- reject
-- column: tested_at
-- A result older than its swab is another tube's. Where one side is a day without a time, days are compared.
SELECT receipt_no, row_no
FROM checked_row
WHERE CASE WHEN tested_is_day OR taken_is_day THEN tested::DATE < taken::DATE ELSE tested < taken END
