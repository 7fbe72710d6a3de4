-- Grain: one rejected manifest row whose tube can be told. Inputs: incoming, problem, received, verdict, fate, typed.
-- Rows that differ from an earlier version, or name a person again, are not slots: their person is in the tube already.
INSERT INTO slot BY NAME
WITH bad AS (
    SELECT receipt_no, row_no
    FROM problem
    WHERE severity = 'reject'
    GROUP BY receipt_no, row_no
    HAVING NOT bool_or(rule = 'person_twice_in_tube')
),
placed AS (
    SELECT
        receipt_no,
        row_no,
        received.sender AS team,
        code_of(tube_code) AS code,
        try_cast(left(collected_at, 10) AS DATE) AS day
    FROM incoming
    JOIN received USING (receipt_no)
    SEMI JOIN bad USING (receipt_no, row_no)
    SEMI JOIN (SELECT receipt_no FROM verdict WHERE verdict = 'accepted') AS accepted_file USING (receipt_no)
)
SELECT CAST(md5(code || '|' || day) AS UUID) AS tube_id, team, receipt_no, row_no, $batch_no AS batch_no
FROM placed
WHERE code IS NOT NULL AND day IS NOT NULL
