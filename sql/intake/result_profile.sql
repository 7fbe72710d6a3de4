-- Grain: one result file of the batch: what the suite result_file judges, beside its lab's own history (from 200 results on).
-- Inputs: reading, problem, typed, received, lab_result. $as_of: local time.
WITH found AS (
    SELECT
        receipt_no,
        row_no,
        bool_or(severity = 'reject') AS is_rejected,
        bool_or(severity = 'warn') AS is_warned,
        bool_or(rule = 'unknown_result_word') AS is_unknown_word
    FROM problem
    GROUP BY receipt_no, row_no
),
problems AS (
    SELECT
        receipt_no,
        count(*) FILTER (is_rejected) AS rejected,
        count(*) FILTER (is_warned) AS warned,
        count(*) FILTER (is_unknown_word) AS unknown_word
    FROM found
    GROUP BY receipt_no
),
calls AS (
    SELECT
        receipt_no,
        count(DISTINCT tube_code) AS tubes,
        count(*) FILTER (call = 'detected') AS detected,
        count(*) FILTER (call IN ('detected', 'not_detected')) AS answered,
        min(tested_at) AS oldest
    FROM typed
    GROUP BY receipt_no
),
history AS (
    SELECT
        lab AS sender,
        count(*) FILTER (call = 'detected') AS detected,
        count(*) FILTER (call IN ('detected', 'not_detected')) AS answered
    FROM lab_result
    SEMI JOIN reading ON reading.sender = lab_result.lab
    GROUP BY lab
)
SELECT
    reading.receipt_no,
    reading.rows,
    coalesce(problems.rejected, 0) AS rejected,
    coalesce(problems.rejected, 0) / reading.rows AS share_rejected,
    coalesce(problems.warned, 0) AS warned,
    coalesce(calls.tubes, 0) AS tubes,
    0 AS people_per_tube_max,
    coalesce(problems.unknown_word, 0) / reading.rows AS share_unknown_word,
    CASE WHEN calls.answered > 0 THEN calls.detected / calls.answered END AS positivity,
    CASE WHEN history.answered >= 200 THEN history.detected / history.answered END AS lab_positivity,
    coalesce(date_diff('minute', calls.oldest, $as_of) / 60.0, 0.0) AS age_hours_max
FROM reading
LEFT JOIN problems USING (receipt_no)
LEFT JOIN calls USING (receipt_no)
LEFT JOIN history USING (sender)
ORDER BY reading.receipt_no
