-- reject
-- column: specimen_code
-- A result under this code would be two people's, or a person's and a pool's: on two people, on another tube, or on the
-- person's own tube where that is a pool.
WITH coded AS (
    SELECT receipt_no, row_no, tube, day, person, specimen FROM checked_row WHERE specimen IS NOT NULL AND tube IS NOT NULL AND day IS NOT NULL
),
again AS (
    SELECT receipt_no, specimen, day FROM coded GROUP BY receipt_no, specimen, day HAVING count(*) > 1
),
shared AS (
    SELECT receipt_no, specimen, day
    FROM coded
    SEMI JOIN again USING (receipt_no, specimen, day)
    GROUP BY receipt_no, specimen, day
    HAVING count(DISTINCT person) + count(*) FILTER (person IS NULL) > 1
),
as_tube AS (
    SELECT receipt_no, tube, max(people) AS people FROM listed_tube GROUP BY receipt_no, tube
)
SELECT receipt_no, row_no FROM coded SEMI JOIN shared USING (receipt_no, specimen, day)
UNION
SELECT coded.receipt_no, coded.row_no
FROM coded
JOIN as_tube ON coded.receipt_no = as_tube.receipt_no AND coded.specimen = as_tube.tube
WHERE coded.tube <> coded.specimen
UNION
SELECT receipt_no, row_no
FROM coded
JOIN listed_tube USING (receipt_no, tube, day)
WHERE specimen = tube AND people > 1
