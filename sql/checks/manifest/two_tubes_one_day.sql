-- warn
-- column: tube_code
-- Accepted: 2.4 % of person-days in a real programme. [FloodLAMP] One finding for each person and day, where the second tube appears.
WITH person_day AS (
    SELECT receipt_no, person, day, arg_min(tube, first_row) AS first_tube
    FROM tube_person
    WHERE person IS NOT NULL
    GROUP BY receipt_no, person, day
    HAVING count(*) > 1
)
SELECT receipt_no, min(first_row) AS row_no
FROM tube_person
JOIN person_day USING (receipt_no, person, day)
WHERE tube <> first_tube
GROUP BY receipt_no, person, day
