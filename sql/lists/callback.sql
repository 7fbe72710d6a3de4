-- Grain: one person whom a team shall swab again; the vault knows who it is (vault_day, vault_batch).
SELECT
    CAST(membership.specimen_id AS VARCHAR) AS specimen_id,
    membership.team,
    membership.site_code,
    membership.tube_label AS replaces_tube,
    list_item.reason,
    membership.collected_at,
    batch.vault_day,
    batch.batch_no AS vault_batch
FROM list_item
JOIN membership ON membership.specimen_id = list_item.subject_id
JOIN batch ON batch.batch_no = membership.batch_no
WHERE list_item.list = 'callback' AND list_item.state = 'open'
ORDER BY membership.team, membership.collected_at, membership.tube_label, specimen_id
