-- reject
-- column: sex
-- A closed list of words, Vietnamese and English; an unknown word is never folded into one of them.
SELECT receipt_no, row_no
FROM incoming
WHERE sex <> '' AND lower(sex) NOT IN ('m', 'male', 'nam', 'f', 'female', 'nữ', 'nu', 'o', 'other', 'x', 'khác', 'khac', 'u', 'unknown', 'không rõ', 'khong ro')
