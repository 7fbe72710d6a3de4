-- reject
-- column: ct
-- More cycles than the assay runs: no Ct. What a spreadsheet made a date of has a reason of its own.
SELECT receipt_no, row_no
FROM incoming
WHERE ct <> '' AND is_ct(ct) AND len(list_filter(cycles_of(ct), lambda cycles: cycles > $max_cycles AND NOT cycles BETWEEN 40000 AND 50000)) > 0
