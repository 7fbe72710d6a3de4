-- Grain: one result file of the batch: what the suite result_file judges, beside its lab's own history (from 200 results on).
-- Inputs: reading, problem, typed, lab_result, baseline (lab, since: batches up to it are no measure any more). $as_of: local time;
-- $oldest: results tested before it are old.
-- shift, invalid_shift: by how much the lab's last 2,000 results, this batch's among them, differ from its earlier ones in positivity and
-- share of invalid; beside each the limit: 3 points and three standard errors, so that a lab is not asked in vain, and a drop
-- by ten points shows within 2,000 results. Where either side has fewer than 200 results there is neither.
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
        count(*) FILTER (tested_at < $oldest) AS old,
        count(*) AS typed,
        min(tested_at) AS oldest
    FROM typed
    GROUP BY receipt_no
),
by_batch AS (
    SELECT
        lab AS sender,
        batch_no,
        count(*) FILTER (call = 'detected') AS detected,
        count(*) FILTER (call IN ('detected', 'not_detected')) AS answered,
        count(*) FILTER (call = 'invalid') AS invalid
    FROM lab_result
    SEMI JOIN reading ON reading.sender = lab_result.lab
    GROUP BY lab, batch_no
),
history AS (
    SELECT sender, sum(detected) AS detected, sum(answered) AS answered FROM by_batch GROUP BY sender
),
here AS (
    SELECT
        lab AS sender,
        count(*) FILTER (call = 'detected') AS detected,
        count(*) FILTER (call IN ('detected', 'not_detected')) AS answered,
        count(*) FILTER (call = 'invalid') AS invalid
    FROM typed
    GROUP BY lab
),
measured AS (
    -- a batch is recent if its middle is
    SELECT
        by_batch.*,
        coalesce(sum(by_batch.answered) OVER newer, 0) + coalesce(here.answered, 0) + by_batch.answered / 2 < 2000 AS is_recent
    FROM by_batch
    LEFT JOIN here USING (sender)
    LEFT JOIN baseline ON baseline.lab = by_batch.sender
    WHERE by_batch.batch_no > coalesce(baseline.since, -1)
    WINDOW newer AS (PARTITION BY by_batch.sender ORDER BY by_batch.batch_no DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
recent AS (
    SELECT sender, sum(detected) AS detected, sum(answered) AS answered, sum(invalid) AS invalid
    FROM (SELECT * FROM here UNION ALL BY NAME SELECT sender, detected, answered, invalid FROM measured WHERE is_recent)
    GROUP BY sender
),
earlier AS (
    SELECT sender, sum(detected) AS detected, sum(answered) AS answered, sum(invalid) AS invalid
    FROM measured
    WHERE NOT is_recent
    GROUP BY sender
),
shares AS (
    SELECT
        sender,
        recent.answered AS recent_n,
        earlier.answered AS earlier_n,
        recent.detected / recent.answered AS recent_detected,
        earlier.detected / earlier.answered AS earlier_detected,
        (recent.detected + earlier.detected) / (recent.answered + earlier.answered) AS all_detected,
        recent.invalid / (recent.answered + recent.invalid) AS recent_invalid,
        earlier.invalid / (earlier.answered + earlier.invalid) AS earlier_invalid,
        (recent.invalid + earlier.invalid) / (recent.answered + recent.invalid + earlier.answered + earlier.invalid) AS all_invalid
    FROM recent
    JOIN earlier USING (sender)
    WHERE recent.answered >= 200 AND earlier.answered >= 200
),
shifts AS (
    SELECT
        sender,
        abs(recent_detected - earlier_detected) AS shift,
        0.03 + 3 * sqrt(all_detected * (1 - all_detected) * (1 / recent_n + 1 / earlier_n)) AS shift_limit,
        abs(recent_invalid - earlier_invalid) AS invalid_shift,
        0.03 + 3 * sqrt(all_invalid * (1 - all_invalid) * (1 / recent_n + 1 / earlier_n)) AS invalid_shift_limit
    FROM shares
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
    coalesce(date_diff('minute', calls.oldest, $as_of) / 60.0, 0.0) AS age_hours_max,
    coalesce(calls.old / calls.typed, 0.0) AS share_old,
    shifts.shift,
    shifts.shift_limit,
    shifts.invalid_shift,
    shifts.invalid_shift_limit
FROM reading
LEFT JOIN problems USING (receipt_no)
LEFT JOIN calls USING (receipt_no)
LEFT JOIN history USING (sender)
LEFT JOIN shifts USING (sender)
ORDER BY reading.receipt_no
