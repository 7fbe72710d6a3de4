-- Grain: one tube to decide anew: a seed, or a tube of the same people on the same day as one of these (a positive single contradicts
-- the negative pool of the same person). Inputs: seed_row, membership.
CREATE OR REPLACE TEMP TABLE touched AS
WITH person_day AS (
    SELECT DISTINCT person_id, collected_on FROM membership WHERE rowid IN (SELECT place FROM seed_row)
)
SELECT DISTINCT tube_id
FROM membership
SEMI JOIN person_day USING (person_id, collected_on)
