-- Grain: one code whose results are needed to decide the touched tubes: their own codes, the codes of tubes that share a person and day
-- with them, and codes that were touched without any manifest knowing them (unmatched results).
-- Inputs: touched, touched_code, membership.
CREATE OR REPLACE TEMP TABLE scope_code AS
WITH person_day AS (
    SELECT DISTINCT person_id, collected_on
    FROM membership
    WHERE rowid IN (SELECT membership.rowid FROM membership SEMI JOIN touched USING (tube_id))
),
near AS (
    SELECT DISTINCT tube_id FROM membership SEMI JOIN person_day USING (person_id, collected_on)
),
near_row AS MATERIALIZED (
    SELECT tube_code, specimen_code
    FROM membership
    WHERE rowid IN (SELECT membership.rowid FROM membership SEMI JOIN near USING (tube_id))
)
SELECT tube_code AS code FROM near_row
UNION
SELECT specimen_code FROM near_row WHERE specimen_code IS NOT NULL
UNION
SELECT code FROM touched_code
