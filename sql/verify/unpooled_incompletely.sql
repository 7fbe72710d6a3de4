-- I6: of a pool that was taken apart, every member without a result of their own is on a list, and on one only.
WITH pool AS (
    SELECT DISTINCT tube_id FROM outcome WHERE reason IN ('pool_detected', 'pool_inconclusive', 'pool_invalid')
),
listed AS (
    SELECT subject_id AS specimen_id, count(*) FILTER (list = 'worklist' AND state <> 'cancelled') AS worklist,
        count(*) FILTER (list = 'callback' AND state <> 'cancelled') AS callback
    FROM list_item
    WHERE list <> 'repeat'
    GROUP BY subject_id
)
SELECT CAST(outcome.specimen_id AS VARCHAR) AS subject
FROM outcome
SEMI JOIN pool USING (tube_id)
LEFT JOIN listed USING (specimen_id)
WHERE outcome.outcome IN ('retest', 'recollect')
  AND coalesce(listed.worklist, 0) + coalesce(listed.callback, 0) = 0
