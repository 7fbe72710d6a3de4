-- Grain: one specimen of a seed; as the place of its row. Inputs: seed, touched_row, membership. Readers: decide/touched, touched_member.
-- A join with an empty table reads nothing: where every seed was found by its code, no column is searched.
CREATE OR REPLACE TEMP TABLE seed_row AS
WITH sought AS (
    SELECT tube_id FROM seed WHERE NOT is_found
)
SELECT place FROM touched_row WHERE is_by_tube
UNION ALL
SELECT membership.rowid FROM membership SEMI JOIN sought USING (tube_id)
