-- reject
-- column: specimen_code
-- Retest results come under this code: it must be one that a result row may carry.
SELECT receipt_no, row_no FROM checked_row WHERE has_specimen_code AND NOT is_code(specimen, $own_prefix)
