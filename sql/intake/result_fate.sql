-- Grain: one typed row of an accepted file, and what becomes of it: accepted, or duplicate (the lab sent the same row before).
-- Another content for the same tube is a fact of its own: decide tells a correction from a conflict.
-- Inputs: typed, verdict (receipt_no, verdict), lab_result. Readers: intake/result_accept, result_counts.
CREATE OR REPLACE TEMP TABLE fate AS
WITH candidate AS (
    SELECT result_id, receipt_no, row_no, receipt_no * 4294967296 + row_no AS place
    FROM typed
    SEMI JOIN (SELECT receipt_no FROM verdict WHERE verdict = 'accepted') AS accepted_file USING (receipt_no)
),
first_here AS (
    SELECT result_id, min(place) AS place FROM candidate GROUP BY result_id
),
known AS (
    SELECT result_id FROM lab_result SEMI JOIN candidate USING (result_id)
)
SELECT
    candidate.receipt_no,
    candidate.row_no,
    CASE WHEN known.result_id IS NULL AND first_here.place = candidate.place THEN 'accepted' ELSE 'duplicate' END AS fate
FROM candidate
JOIN first_here USING (result_id)
LEFT JOIN known USING (result_id)
