-- Grain: one specimen that a touched code names, by its tube or by its own code; as the place of its row.
-- Inputs: touched_code, membership. Readers: decide/touched, scope_row.
CREATE OR REPLACE TEMP TABLE touched_row AS
SELECT membership.rowid AS place FROM membership SEMI JOIN touched_code ON membership.tube_code = touched_code.code
UNION
SELECT membership.rowid FROM membership SEMI JOIN touched_code ON membership.specimen_code = touched_code.code
