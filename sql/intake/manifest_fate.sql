-- Grain: one typed row of an accepted file, and what becomes of it: accepted, duplicate (the same row was here before) or differs
-- (the same person in the same tube, told otherwise before: it goes back to its sender, the first version stands).
-- Inputs: typed, verdict (receipt_no, verdict), membership. Readers: intake/manifest_accept, manifest_counts.
CREATE OR REPLACE TEMP TABLE fate AS
WITH candidate AS (
    SELECT specimen_id, tube_id, collected_on, row_print, receipt_no, row_no, receipt_no * 4294967296 + row_no AS place
    FROM typed
    SEMI JOIN (SELECT receipt_no FROM verdict WHERE verdict = 'accepted') AS accepted_file USING (receipt_no)
),
first_here AS (
    SELECT specimen_id, min(place) AS place, arg_min(row_print, place) AS row_print
    FROM candidate
    GROUP BY specimen_id
),
known AS (
    -- tubes are a tenth of the people: the narrow columns find the rows, the wide ones are read for these alone
    SELECT specimen_id, row_print
    FROM membership
    WHERE rowid IN (SELECT membership.rowid FROM membership SEMI JOIN candidate USING (tube_id, collected_on))
)
SELECT
    candidate.receipt_no,
    candidate.row_no,
    CASE
        WHEN known.row_print = candidate.row_print THEN 'duplicate'
        WHEN known.row_print IS NOT NULL THEN 'differs'
        WHEN first_here.place = candidate.place THEN 'accepted'
        WHEN first_here.row_print = candidate.row_print THEN 'duplicate'
        ELSE 'differs'
    END AS fate
FROM candidate
JOIN first_here USING (specimen_id)
LEFT JOIN known USING (specimen_id)
