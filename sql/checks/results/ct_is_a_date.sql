-- reject
-- column: ct
-- A spreadsheet made a date of it: 17.03 becomes 41350. The rejects file shows the probable value, nothing is repaired.
SELECT receipt_no, row_no
FROM incoming
WHERE ct <> '' AND is_ct(ct) AND len(list_filter(cycles_of(ct), lambda cycles: cycles BETWEEN 40000 AND 50000)) > 0
