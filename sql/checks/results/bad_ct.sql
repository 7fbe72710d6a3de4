-- reject
-- column: ct
-- A number with a decimal point, or a word for no Ct (Undetermined, NaN, N/A, -, empty).
SELECT receipt_no, row_no FROM checked_row WHERE has_ct AND NOT is_ct
