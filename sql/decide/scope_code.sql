-- Grain: one code whose results are needed to decide the touched tubes: their own codes, the codes of tubes that share a person and day
-- with them, and codes that were touched without any manifest knowing them (unmatched results).
-- Inputs: touched, touched_code, touched_member, seed_row, membership.
CREATE OR REPLACE TEMP TABLE scope_code AS
WITH sought_person AS (
    -- the seeds' people have all their tubes among the touched ones
    SELECT DISTINCT person_id, collected_on FROM membership WHERE rowid IN (SELECT place FROM touched_member)
    EXCEPT
    SELECT DISTINCT person_id, collected_on FROM membership WHERE rowid IN (SELECT place FROM seed_row)
),
sought_tube AS (
    SELECT DISTINCT tube_id FROM membership SEMI JOIN sought_person USING (person_id, collected_on) ANTI JOIN touched USING (tube_id)
),
near_row AS (
    SELECT place FROM touched_member
    UNION ALL
    SELECT membership.rowid FROM membership SEMI JOIN sought_tube USING (tube_id)
),
near AS MATERIALIZED (
    SELECT tube_code, specimen_code FROM membership WHERE rowid IN (SELECT place FROM near_row)
)
SELECT tube_code AS code FROM near
UNION
SELECT specimen_code FROM near WHERE specimen_code IS NOT NULL
UNION
SELECT code FROM touched_code
