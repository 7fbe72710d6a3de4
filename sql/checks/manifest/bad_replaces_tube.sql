-- reject
-- column: replaces_tube
-- It closes a call-back: a code that can be none would leave the person on the list for ever.
SELECT receipt_no, row_no FROM incoming WHERE replaces_tube <> '' AND NOT is_code(code_of(replaces_tube), $own_prefix)
