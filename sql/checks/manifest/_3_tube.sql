-- Grain: one tube of one file. Input: tube_person.
-- Rows that name nobody count as one person each. An undeclared size says nothing, so it disagrees with nothing.
CREATE OR REPLACE TEMP TABLE listed_tube AS
SELECT
    receipt_no,
    tube,
    day,
    sum(CASE WHEN person IS NULL THEN listed ELSE 1 END) AS people,
    min(least_declared) AS declared,
    coalesce(min(least_declared) <> max(most_declared), false) OR min(first_mode) <> max(last_mode) AS disagrees
FROM tube_person
GROUP BY receipt_no, tube, day
