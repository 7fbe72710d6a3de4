-- Grain: one rejected row and one rule it breaks. Inputs: problem, fate, verdict. Reader: stages/intake, for the rejects files.
SELECT receipt_no, row_no, rule, column_name
FROM problem
WHERE severity = 'reject'
UNION ALL
SELECT receipt_no, row_no, 'differs_from_earlier' AS rule, 'tube_code' AS column_name
FROM fate
WHERE fate = 'differs'
ORDER BY ALL
