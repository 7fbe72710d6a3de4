-- warn
-- column: phone
-- ASCII digits and separators only. The person is still tested; no SMS can go out.
SELECT receipt_no, row_no FROM incoming WHERE phone <> '' AND NOT regexp_full_match(phone, '\+?[0-9][0-9 .()\-]{4,28}')
