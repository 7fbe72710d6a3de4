-- reject
-- column: birth_date
-- A day or a year alone, from 1880 on, not after the collection (or, where that cannot be read, not after today).
SELECT receipt_no, row_no
FROM checked_row
WHERE has_birth_date AND NOT coalesce(
    born_year >= 1880 AND coalesce(born <= coalesce(taken, $as_of::TIMESTAMP)::DATE, born_year <= year(coalesce(taken, $as_of::TIMESTAMP))), false
)
