-- Grain: one specimen of a touched tube; as the place of its row. Inputs: touched, seed, seed_row, membership. Readers: decide/scope_code.
CREATE OR REPLACE TEMP TABLE touched_member AS
WITH sought AS (
    SELECT tube_id FROM touched ANTI JOIN seed USING (tube_id)
)
SELECT place FROM seed_row
UNION ALL
SELECT membership.rowid FROM membership SEMI JOIN sought USING (tube_id)
