-- What a decide batch would have to do: facts younger than the last one, and specimens that time has changed.
-- Inputs: batch, outcome. One row: since (last decided batch), has_facts, has_due.
WITH last AS (
    SELECT coalesce(max(batch_no) FILTER (kind = 'decide'), 0) AS since, coalesce(max(batch_no) FILTER (kind = 'intake'), 0) AS newest FROM batch
)
SELECT since, newest > since AS has_facts, EXISTS (SELECT 1 FROM outcome WHERE due_at <= $as_of) AS has_due FROM last
