-- Grain: one specimen of a touched tube, beside its tube's state and its own result.
-- Inputs: tube_state, scope_row, unit, unit_call. $as_of, $overdue_hours, $lost_days. Readers: decide/pool_view, verdict.
-- own: call under the person's own specimen code ('none' without one). is_contradicting: this person is positive elsewhere that day.
CREATE OR REPLACE TEMP TABLE member AS
WITH mine AS (
    SELECT * FROM scope_row SEMI JOIN tube_state USING (tube_id)
),
shared_code AS (
    -- two people behind one specimen code on one day: its results answer for neither
    SELECT code, collected_on FROM unit WHERE kind = 'specimen' GROUP BY code, collected_on HAVING count(*) > 1
),
positive_single AS (
    SELECT DISTINCT single.person_id, single.collected_on
    FROM unit
    JOIN unit_call USING (unit_id)
    JOIN scope_row AS single ON single.tube_id = unit.unit_id
    WHERE unit.kind = 'tube' AND NOT unit.is_pool AND unit_call.call = 'detected'
)
SELECT
    mine.specimen_id,
    mine.tube_id,
    mine.person_id,
    mine.tube_code,
    mine.specimen_code,
    mine.collected_on,
    mine.collected_at,
    mine.is_reachable,
    mine.batch_no AS vault_batch,
    mine.site_code,
    tube_state.team,
    tube_state.people,
    tube_state.is_pool,
    tube_state.is_incomplete,
    tube_state.is_shared,
    tube_state.is_relabelled,
    tube_state.call,
    tube_state.reject_reason,
    mine.mode <> 'field' AND mine.specimen_code IS NOT NULL AS is_kept,
    coalesce(own.call, 'none') AS own,
    coalesce(own.reject_reason, '') AS own_reject_reason,
    shared_code.code IS NOT NULL AS is_code_shared,
    tube_state.is_seen OR own.unit_id IS NOT NULL AS is_seen,
    coalesce(own.call = 'detected', false) OR (tube_state.is_pool AND positive_single.person_id IS NOT NULL) AS is_contradicting,
    tube_state.collected_at + to_hours(CAST($overdue_hours AS INTEGER)) AS tube_overdue_at,
    tube_state.answered_at + to_hours(CAST($overdue_hours AS INTEGER)) AS own_overdue_at,
    mine.collected_at + to_days(CAST($lost_days AS INTEGER)) AS lost_at,
    mine.collected_at + to_days(CAST($lost_days AS INTEGER)) <= $as_of AS is_past_limit
FROM mine
JOIN tube_state USING (tube_id)
LEFT JOIN unit_call AS own ON own.unit_id = mine.specimen_id
LEFT JOIN shared_code ON shared_code.code = mine.specimen_code AND shared_code.collected_on = mine.collected_on
LEFT JOIN positive_single ON positive_single.person_id = mine.person_id AND positive_single.collected_on = mine.collected_on
