-- Grain: one thing that a result can be about, in scope: a tube on its collection day, or one person's kept specimen.
-- Inputs: scope_code, scope_row, slot. Readers: decide/unit_row, tube_state, member.
-- is_pool: by what a team listed, not by what was accepted: a tube of five is a pool though four of its rows came back, and its
-- result is nobody's own. The same tube listed by one person's row in each of two files, once rejected and once mended, is a single.
CREATE OR REPLACE TEMP TABLE unit AS
WITH mine AS (
    SELECT * FROM scope_row SEMI JOIN scope_code ON scope_row.tube_code = scope_code.code
),
listed AS (
    -- rows of one file for one tube, accepted or not
    SELECT tube_id, receipt_no, count(*) AS people
    FROM (
        SELECT tube_id, receipt_no FROM mine
        UNION ALL
        SELECT tube_id, receipt_no FROM slot SEMI JOIN mine USING (tube_id)
    )
    GROUP BY tube_id, receipt_no
),
most AS (
    SELECT tube_id, max(people) AS people FROM listed GROUP BY tube_id
),
accepted AS (
    SELECT
        tube_id, tube_code, collected_on, min(collected_at) AS collected_at, bit_xor(hash(person_id)) AS people_print, count(*) AS people,
        max(declared_size) AS declared_size
    FROM mine
    GROUP BY tube_id, tube_code, collected_on
),
tube AS (
    SELECT accepted.*, greatest(accepted.people, coalesce(accepted.declared_size, 1), most.people) > 1 AS is_pool
    FROM accepted
    JOIN most USING (tube_id)
),
specimen AS (
    SELECT specimen_id, specimen_code, collected_on, collected_at
    FROM scope_row
    SEMI JOIN scope_code ON scope_row.specimen_code = scope_code.code
)
SELECT tube_id AS unit_id, 'tube' AS kind, tube_code AS code, collected_on, collected_at, people_print, people, is_pool FROM tube
UNION ALL
SELECT specimen_id, 'specimen', specimen_code, collected_on, collected_at, NULL, 1, false FROM specimen
