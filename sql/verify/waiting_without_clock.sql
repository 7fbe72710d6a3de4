-- I4: whoever waits has a time at which waiting ends, or an open overdue hold, or waits for the others of the pool, who have one.
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM outcome
WHERE outcome IN ('awaiting', 'retest')
  AND due_at IS NULL
  AND reason <> 'pool_mates'
  AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.tube_id = outcome.tube_id AND hold.reason = 'overdue' AND hold.closed_at IS NULL)
