-- reject
-- column: specimen_code
-- Retest results come under this code: it must be one that a result row may carry.
SELECT receipt_no, row_no FROM incoming WHERE specimen_code <> '' AND NOT is_code(code_of(specimen_code), $own_prefix)
