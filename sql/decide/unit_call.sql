-- Grain: one unit in scope that any result row is about, and the one call that stands for it now.
-- Inputs: unit_row. Readers: decide/member, tube_state.
-- call: a lab call; 'repeat' (invalid once: the same tube is tested again), 'conflict' (rows disagree and none is a correction),
-- 'withdrawn' (W or X), 'none' (only preliminary rows).
-- Order of arrival plays no part: rows are ordered by the lab's own times, and at the same time a withdrawal goes before a correction
-- and a correction before what it corrects.
CREATE OR REPLACE TEMP TABLE unit_call AS
WITH head AS (
    SELECT
        unit_id,
        max(resulted_at) FILTER (status IN ('W', 'X')) AS withdrawn_at,
        max(resulted_at) FILTER (status = 'C') AS corrected_at,
        max(tested_at) FILTER (status = 'F') AS last_final
    FROM unit_row
    WHERE unit_id IS NOT NULL
    GROUP BY unit_id
),
standing AS (
    -- what a correction leaves standing: itself, and final rows of later tests
    SELECT unit_row.*
    FROM unit_row
    JOIN head USING (unit_id)
    WHERE (status = 'C' AND resulted_at = corrected_at)
       OR (status = 'F' AND (corrected_at IS NULL OR tested_at > corrected_at))
),
summary AS (
    SELECT
        unit_id,
        min(content) = max(content) AS is_one_content,
        min(content) FILTER (call <> 'invalid') = max(content) FILTER (call <> 'invalid') AS is_one_answer,
        min(call) FILTER (call <> 'invalid') AS answer,
        min(reject_reason) FILTER (call = 'rejected') AS reject_reason,
        min(tested_at) FILTER (call <> 'invalid') AS first_answer,
        max(tested_at) FILTER (call = 'invalid') AS last_invalid,
        min(tested_at) FILTER (call = 'invalid') AS first_invalid,
        max(resulted_at) AS answered_at
    FROM standing
    GROUP BY unit_id
)
SELECT
    head.unit_id,
    CASE
        -- A test after the withdrawal is news that nobody has called a correction: somebody must look.
        WHEN head.withdrawn_at >= coalesce(head.corrected_at, head.withdrawn_at) AND head.last_final > head.withdrawn_at THEN 'conflict'
        WHEN head.withdrawn_at >= coalesce(head.corrected_at, head.withdrawn_at) THEN 'withdrawn'
        WHEN summary.unit_id IS NULL THEN 'none'
        WHEN summary.answer IS NULL AND summary.first_invalid < summary.last_invalid THEN 'invalid'
        WHEN summary.answer IS NULL AND summary.is_one_content THEN 'repeat'
        WHEN summary.is_one_answer AND coalesce(summary.last_invalid < summary.first_answer, true) THEN summary.answer
        ELSE 'conflict'
    END AS call,
    coalesce(summary.reject_reason, '') AS reject_reason,
    summary.answered_at
FROM head
LEFT JOIN summary USING (unit_id)
