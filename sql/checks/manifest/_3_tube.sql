-- Grain: one tube of one file. Inputs: member, tube_person.
CREATE OR REPLACE TEMP TABLE listed_tube AS
WITH people AS (
    SELECT receipt_no, tube, day, sum(CASE WHEN person IS NULL THEN listed ELSE 1 END) AS people
    FROM tube_person
    GROUP BY receipt_no, tube, day
),
said AS (
    SELECT receipt_no, tube, day, min(declared) AS declared, min(declared) <> max(declared) OR min(mode) <> max(mode) AS disagrees
    FROM member
    GROUP BY receipt_no, tube, day
)
SELECT receipt_no, tube, day, people, declared, coalesce(disagrees, false) AS disagrees
FROM people
JOIN said USING (receipt_no, tube, day)
