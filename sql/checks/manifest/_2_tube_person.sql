-- Grain: one person in one tube of one file; rows that name nobody count as one person each. Input: member.
CREATE OR REPLACE TEMP TABLE tube_person AS
SELECT receipt_no, tube, day, person, count(*) AS listed, min(row_no) AS first_row
FROM member
GROUP BY receipt_no, tube, day, person
