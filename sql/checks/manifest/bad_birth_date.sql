-- reject
-- column: birth_date
-- A day or a year alone, from 1880 on, not after the collection (or, where that cannot be read, not after today).
SELECT receipt_no, row_no
FROM incoming
WHERE birth_date <> '' AND NOT coalesce(
    birth_year_of(birth_date) >= 1880 AND CASE
        WHEN length(birth_date) = 4 THEN birth_year_of(birth_date) <= year(coalesce(time_of(collected_at), $as_of::TIMESTAMP))
        ELSE try_cast(birth_date AS DATE) <= coalesce(time_of(collected_at), $as_of::TIMESTAMP)::DATE
    END,
    false
)
