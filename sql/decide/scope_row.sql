-- Grain: one specimen that a code in scope names, by its tube or by its own code: all that the following steps read of the memberships.
-- Inputs: scope_code, touched_code, touched_row, membership. Readers: decide/unit, tube_state, member.
-- What the touched codes name is known; where no other code is in scope, nothing is searched a second time.
CREATE OR REPLACE TEMP TABLE scope_row AS
WITH other_code AS (
    SELECT code FROM scope_code ANTI JOIN touched_code USING (code)
),
found AS (
    SELECT place FROM touched_row
    UNION
    SELECT membership.rowid FROM membership SEMI JOIN other_code ON membership.tube_code = other_code.code
    UNION
    SELECT membership.rowid FROM membership SEMI JOIN other_code ON membership.specimen_code = other_code.code
)
SELECT
    specimen_id, person_id, tube_id, tube_code, collected_on, collected_at, declared_size, specimen_code, mode, site_code, team,
    is_reachable, receipt_no, batch_no
FROM membership
WHERE rowid IN (SELECT place FROM found)
