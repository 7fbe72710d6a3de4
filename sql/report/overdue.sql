-- Grain: one lab and team, with what is overdue between them. Inputs: hold, tube_book. lab: that tested the tube first; empty where none did
-- yet, so that nobody knows which lab has it.
SELECT coalesce(tube_book.lab, '') AS lab, hold.owner AS team, count(*) AS codes, CAST(sum(hold.specimens) AS BIGINT) AS specimens, min(hold.opened_at) AS oldest
FROM hold
LEFT JOIN tube_book USING (tube_id)
WHERE hold.reason = 'overdue' AND hold.closed_at IS NULL
GROUP BY ALL
ORDER BY specimens DESC, lab, team
