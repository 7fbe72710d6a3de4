-- Grain: one specimen and way in which a touched code names it; as the place of its row. is_by_tube: by its tube's code, and so with all of its tube.
-- Inputs: touched_code, membership. Readers: decide/seed, seed_row, scope_row.
CREATE OR REPLACE TEMP TABLE touched_row AS
SELECT membership.rowid AS place, true AS is_by_tube FROM membership SEMI JOIN touched_code ON membership.tube_code = touched_code.code
UNION ALL
SELECT membership.rowid, false FROM membership SEMI JOIN touched_code ON membership.specimen_code = touched_code.code
