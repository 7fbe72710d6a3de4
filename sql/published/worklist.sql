-- Grain: one kept specimen that the lab shall test alone, urgent first: a pool that was detected, then what was unclear; the longest waiting
-- before the others. lab: that tested the tube; it has the specimen. No name: the lab needs none. Inputs: list_item, membership, tube_book.
SELECT
    coalesce(tube_book.lab, '') AS lab, membership.specimen_code, membership.tube_label AS tube_code, list_item.reason,
    membership.collected_at, membership.team, membership.site_code
FROM list_item
JOIN membership ON membership.specimen_id = list_item.subject_id
LEFT JOIN tube_book ON tube_book.tube_id = list_item.tube_id
WHERE list_item.list = 'worklist' AND list_item.state = 'open'
ORDER BY list_item.reason <> 'pool_detected', membership.collected_at, membership.specimen_code
