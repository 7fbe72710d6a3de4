-- Grain: one lab and team, with what is overdue between them. Inputs: hold, tube_book. lab: that tested the tube first; empty where none did
-- yet. Then nobody knows which lab has it: usual_lab, to be asked first, is the one that tested most of the team's tubes (the first by code
-- of equals); empty where none did.
WITH share AS (
    SELECT team, lab, count(*) AS tubes FROM tube_book WHERE lab IS NOT NULL GROUP BY team, lab
),
usual AS (
    SELECT team, min_by(lab, (-tubes, lab)) AS lab FROM share GROUP BY team
)
SELECT
    coalesce(tube_book.lab, '') AS lab,
    CASE WHEN tube_book.lab IS NULL THEN coalesce(usual.lab, '') ELSE '' END AS usual_lab,
    hold.owner AS team,
    count(*) AS codes,
    CAST(sum(hold.specimens) AS BIGINT) AS specimens,
    min(hold.opened_at) AS oldest
FROM hold
LEFT JOIN tube_book USING (tube_id)
LEFT JOIN usual ON usual.team = hold.owner
WHERE hold.reason = 'overdue' AND hold.closed_at IS NULL
GROUP BY ALL
ORDER BY specimens DESC, lab, usual_lab, team
