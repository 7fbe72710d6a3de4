-- Grain: one person in one tube of one file; rows that name nobody share one line (person NULL). Input: checked_row.
-- Rows without a tube or a day stay out: other rules reject them.
CREATE OR REPLACE TEMP TABLE tube_person AS
SELECT
    receipt_no,
    tube,
    day,
    person,
    count(*) AS listed,
    min(row_no) AS first_row,
    min(nullif(declared, 0)) AS least_declared,
    max(declared) AS most_declared,
    min(mode) AS first_mode,
    max(mode) AS last_mode
FROM checked_row
WHERE tube IS NOT NULL AND day IS NOT NULL
GROUP BY receipt_no, tube, day, person
