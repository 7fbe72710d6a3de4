-- reject
-- column: tube_code
-- 3 to 32 ASCII letters and digits, separators apart; our own codes carry an ISO 7064 MOD 37,36 check character.
-- Codes are few beside rows: the check character is worked out once for each spelling.
WITH bad AS (
    SELECT tube_code FROM (SELECT DISTINCT tube_code FROM incoming WHERE tube_code <> '') WHERE NOT is_code(code_of(tube_code), $own_prefix)
)
SELECT receipt_no, row_no FROM incoming SEMI JOIN bad USING (tube_code)
