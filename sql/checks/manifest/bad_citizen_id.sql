-- reject
-- column: citizen_id
-- 12 digits; a spreadsheet that made a number of it has lost the leading zero.
SELECT receipt_no, row_no FROM incoming WHERE citizen_id <> '' AND NOT regexp_full_match(citizen_id, '[0-9]{12}')
