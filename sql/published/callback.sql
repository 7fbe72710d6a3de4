-- Grain: one person whom a team shall swab again; the vault knows who it is (vault_day, vault_batch). suggested_tube: of a later specimen of
-- the same person that names no tube it replaces; whether it does replace this one, a person says, never we. Inputs: list_item, membership, batch.
WITH open_item AS (
    SELECT membership.*, list_item.reason
    FROM list_item
    JOIN membership ON membership.specimen_id = list_item.subject_id
    WHERE list_item.list = 'callback' AND list_item.state = 'open'
),
later AS (
    SELECT open_item.specimen_id, arg_min(membership.tube_label, membership.collected_at) AS suggested_tube
    FROM open_item
    JOIN membership
      ON membership.person_id = open_item.person_id
     AND membership.collected_at > open_item.collected_at
     AND membership.tube_id <> open_item.tube_id
    WHERE membership.replaces_code IS NULL
    GROUP BY open_item.specimen_id
)
SELECT
    CAST(open_item.specimen_id AS VARCHAR) AS specimen_id, open_item.team, open_item.site_code, open_item.tube_label AS replaces_tube,
    open_item.reason, open_item.collected_at, later.suggested_tube, batch.vault_day, open_item.batch_no AS vault_batch
FROM open_item
JOIN batch USING (batch_no)
LEFT JOIN later USING (specimen_id)
ORDER BY open_item.team, open_item.collected_at, open_item.tube_label, specimen_id
