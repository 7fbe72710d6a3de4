-- I4: whatever is held has an open hold by which somebody knows.
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM outcome
WHERE outcome = 'held'
  AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.tube_id = outcome.tube_id AND hold.reason = outcome.reason AND hold.closed_at IS NULL)
