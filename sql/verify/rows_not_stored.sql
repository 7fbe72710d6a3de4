-- I1: what a file's counts call accepted is there, row by row.
WITH stored AS (
    SELECT receipt_no, count(*) AS rows
    FROM (SELECT receipt_no FROM membership UNION ALL SELECT receipt_no FROM lab_result)
    GROUP BY receipt_no
)
SELECT 'receipt ' || receipt_no AS subject
FROM file
FULL JOIN stored USING (receipt_no)
WHERE coalesce(file.rows_accepted, 0) <> coalesce(stored.rows, 0)
