-- Grain: one file of this kind in the batch, with its verdict and counts that balance (the table checks it).
-- Inputs: reading (receipt_no, kind, profile, sender, rows), verdict (receipt_no, verdict, reason), problem, fate.
-- A held file waits with all its rows; a refused one gives all of them back.
INSERT INTO file BY NAME
WITH found AS (
    SELECT receipt_no, row_no, bool_or(severity = 'reject') AS is_rejected, bool_or(severity = 'warn') AS is_warned
    FROM problem
    GROUP BY receipt_no, row_no
),
problems AS (
    SELECT receipt_no, count(*) FILTER (is_rejected) AS rejected, count(*) FILTER (is_warned) AS warned
    FROM found
    GROUP BY receipt_no
),
fates AS (
    SELECT
        receipt_no,
        count(*) FILTER (fate = 'accepted') AS accepted,
        count(*) FILTER (fate = 'duplicate') AS duplicate,
        count(*) FILTER (fate = 'differs') AS differs
    FROM fate
    GROUP BY receipt_no
)
SELECT
    reading.receipt_no,
    $batch_no AS batch_no,
    reading.kind,
    reading.profile,
    reading.sender,
    verdict.verdict,
    verdict.reason,
    reading.rows AS rows_received,
    CASE verdict.verdict WHEN 'accepted' THEN coalesce(fates.accepted, 0) ELSE 0 END AS rows_accepted,
    CASE verdict.verdict WHEN 'accepted' THEN coalesce(fates.duplicate, 0) ELSE 0 END AS rows_duplicate,
    CASE verdict.verdict
        WHEN 'accepted' THEN coalesce(problems.rejected, 0) + coalesce(fates.differs, 0)
        WHEN 'refused' THEN reading.rows
        ELSE 0
    END AS rows_rejected,
    CASE verdict.verdict WHEN 'held' THEN reading.rows ELSE 0 END AS rows_held,
    coalesce(problems.warned, 0) AS rows_warned
FROM reading
JOIN verdict USING (receipt_no)
LEFT JOIN problems USING (receipt_no)
LEFT JOIN fates USING (receipt_no)
