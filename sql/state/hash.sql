-- One row: the canonical state in counts and order-free sums of hashes. What is in: facts, outcomes, lists and open holds.
-- What is not: files, batches, versions and times of our own work, so that the same facts in any order and number of drops give the same state.
WITH parts AS (
    SELECT 'membership' AS part, count(*) AS n, sum(hash(specimen_id, person_id, tube_id, collected_at, declared_size, specimen_code,
        replaces_code, mode, site_code, team, is_reachable, row_print)) AS h
    FROM membership
    UNION ALL
    SELECT 'lab_result', count(*), sum(hash(result_id)) FROM lab_result
    UNION ALL
    SELECT 'signed_hold', count(*), sum(hash(hold_id, choice, facts)) FROM signed_hold
    UNION ALL
    SELECT 'outcome', count(*), sum(hash(specimen_id, tube_id, outcome, reason, person_state)) FROM outcome
    UNION ALL
    SELECT 'list', count(*), sum(hash(list, subject_id, reason, state)) FROM list_item
    WHERE state = 'open' OR (state = 'done' AND list <> 'repeat')
    UNION ALL
    SELECT 'hold', count(*), sum(hash(hold_id, specimens)) FROM hold WHERE closed_at IS NULL
)
SELECT sha256(string_agg(concat_ws(':', part, n, coalesce(h, 0)), '|' ORDER BY part)) FROM parts
