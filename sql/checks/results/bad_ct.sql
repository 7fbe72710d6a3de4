-- reject
-- column: ct
-- A number with a decimal point, or a word for no Ct (Undetermined, NaN, N/A, -, empty).
SELECT receipt_no, row_no FROM incoming WHERE ct <> '' AND NOT is_ct(ct)
