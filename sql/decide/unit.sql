-- Grain: one thing that a result can be about, in scope: a tube on its collection day, or one person's kept specimen.
-- Inputs: scope_code, membership. Readers: decide/unit_row, tube_state.
CREATE OR REPLACE TEMP TABLE unit AS
WITH tube AS (
    SELECT tube_id, tube_code, collected_on, min(collected_at) AS collected_at, bit_xor(hash(person_id)) AS people_print, count(*) AS people
    FROM membership
    SEMI JOIN scope_code ON membership.tube_code = scope_code.code
    GROUP BY tube_id, tube_code, collected_on
),
specimen AS (
    SELECT specimen_id, specimen_code, collected_on, collected_at
    FROM membership
    SEMI JOIN scope_code ON membership.specimen_code = scope_code.code
)
SELECT tube_id AS unit_id, 'tube' AS kind, tube_code AS code, collected_on, collected_at, people_print, people FROM tube
UNION ALL
SELECT specimen_id, 'specimen', specimen_code, collected_on, collected_at, NULL, 1 FROM specimen
