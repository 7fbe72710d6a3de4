-- Grain: one manifest file of the batch: what the suite manifest_file judges.
-- Inputs: reading, problem, typed, received. $as_of: local time.
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
per_tube AS (
    SELECT receipt_no, tube_id, count(*) AS people, min(collected_at) AS collected_at
    FROM typed
    GROUP BY receipt_no, tube_id
),
tubes AS (
    SELECT receipt_no, count(*) AS tubes, max(people) AS people_per_tube_max, min(collected_at) AS oldest
    FROM per_tube
    GROUP BY receipt_no
)
SELECT
    reading.receipt_no,
    reading.rows,
    coalesce(problems.rejected, 0) AS rejected,
    coalesce(problems.rejected, 0) / reading.rows AS share_rejected,
    coalesce(problems.warned, 0) AS warned,
    coalesce(tubes.tubes, 0) AS tubes,
    coalesce(tubes.people_per_tube_max, 0) AS people_per_tube_max,
    0.0 AS share_unknown_word,
    CAST(NULL AS DOUBLE) AS positivity,
    CAST(NULL AS DOUBLE) AS lab_positivity,
    coalesce(date_diff('minute', tubes.oldest, $as_of) / 60.0, 0.0) AS age_hours_max
FROM reading
LEFT JOIN problems USING (receipt_no)
LEFT JOIN tubes USING (receipt_no)
ORDER BY reading.receipt_no
