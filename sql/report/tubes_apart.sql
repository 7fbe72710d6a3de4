-- Grain: one tube on which team and lab do not agree, of each kind the $most that wait longest. Inputs: tube_book, hold.
WITH apart AS (
    SELECT kind, tube_label AS tube_code, team AS owner, collected_at AS since, people, declared_size FROM tube_book WHERE kind <> 'both'
    UNION ALL
    SELECT 'lab_only', subject, owner, opened_at, NULL, NULL FROM hold WHERE reason = 'unmatched' AND closed_at IS NULL
)
SELECT * FROM apart
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY since, tube_code) <= $most
ORDER BY kind, since, tube_code
