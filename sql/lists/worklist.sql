-- Grain: one kept specimen that the lab shall test alone, the longest waiting first. No name: the lab needs none.
SELECT membership.specimen_code, membership.tube_label AS tube_code, list_item.reason, membership.collected_at, membership.team, membership.site_code
FROM list_item
JOIN membership ON membership.specimen_id = list_item.subject_id
WHERE list_item.list = 'worklist' AND list_item.state = 'open'
ORDER BY membership.collected_at, membership.specimen_code
