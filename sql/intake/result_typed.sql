-- Grain: one result row that no rule rejects, typed.
-- Inputs: incoming (the batch's result rows as text), problem, received (receipt_no, sender).
-- Readers: intake/result_fate, result_accept, result_profile.
CREATE OR REPLACE TEMP TABLE typed AS
WITH bad AS (
    SELECT DISTINCT receipt_no, row_no FROM problem WHERE severity = 'reject'
),
good AS (
    SELECT incoming.*, received.sender AS lab
    FROM incoming
    JOIN received USING (receipt_no)
    ANTI JOIN bad USING (receipt_no, row_no)
),
cleaned AS (
    SELECT
        code_of(tube_code) AS tube_code,
        tube_code AS tube_label,
        CAST(nullif(left(collected_at, 10), '') AS DATE) AS collected_on,
        CAST(tested_at AS TIMESTAMP) AS tested_at,
        CAST(coalesce(nullif(resulted_at, ''), tested_at) AS TIMESTAMP) AS resulted_at,
        status,
        nullif(call, '') AS call,
        CASE WHEN call = 'rejected' THEN reject_reason ELSE '' END AS reject_reason,
        ct,
        plate_code,
        lab,
        receipt_no,
        row_no
    FROM good
)
SELECT
    CAST(md5(concat_ws('|', tube_code, coalesce(CAST(collected_on AS VARCHAR), ''), tested_at, resulted_at, status,
        coalesce(call, ''), reject_reason, ct)) AS UUID) AS result_id,
    CAST(md5(concat_ws('|', coalesce(call, ''), reject_reason, ct)) AS UUID) AS content,
    *
FROM cleaned
