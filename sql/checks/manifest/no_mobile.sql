-- warn
-- column: phone
-- Twilio answers a landline with 400/21614: the person goes on the list of those to be called.
-- Most numbers come without separators and match at once: only the rest is looked at again.
WITH unlike AS (
    SELECT receipt_no, row_no, phone FROM incoming WHERE phone <> '' AND NOT regexp_full_match(phone, $mobile_pattern)
)
SELECT receipt_no, row_no
FROM unlike
WHERE regexp_full_match(phone, '\+?[0-9][0-9 .()\-]{4,28}') AND NOT regexp_full_match(regexp_replace(phone, '[ .()\-]', '', 'g'), $mobile_pattern)
