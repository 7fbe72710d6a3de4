-- Grain: one touched tube: how many people, what stands against it, its call.
-- Inputs: touched, unit, unit_call, scope_row, slot. $relabel_days. Readers: decide/member.
-- is_shared: members of one tube came in several files, and no single file had that many rows for it (mended rows of the same team,
-- which fill the places of rejected ones, are no second tube).
-- is_relabelled: the same label on another tube with other people, at most $relabel_days apart.
CREATE OR REPLACE TEMP TABLE tube_state AS
WITH per_file AS (
    SELECT tube_id, receipt_no, team, count(*) AS people, max(declared_size) AS declared_size, min(collected_at) AS collected_at
    FROM scope_row
    SEMI JOIN touched USING (tube_id)
    GROUP BY tube_id, receipt_no, team
),
rejected AS (
    SELECT tube_id, receipt_no, count(*) AS places
    FROM slot
    SEMI JOIN touched USING (tube_id)
    GROUP BY tube_id, receipt_no
),
tube AS (
    SELECT
        per_file.tube_id,
        CAST(sum(per_file.people) AS INTEGER) AS people,
        max(per_file.declared_size) AS declared_size,
        min(per_file.collected_at) AS collected_at,
        min(per_file.team) AS team,
        count(*) > 1 AND (
            min(per_file.team) <> max(per_file.team)
            OR sum(per_file.people) > max(per_file.people + coalesce(rejected.places, 0))
        ) AS is_shared
    FROM per_file
    LEFT JOIN rejected USING (tube_id, receipt_no)
    GROUP BY per_file.tube_id
),
again AS (
    SELECT code FROM unit WHERE kind = 'tube' GROUP BY code HAVING count(*) > 1
),
label AS (
    SELECT unit_id, code, collected_on, people_print, people FROM unit SEMI JOIN again USING (code) WHERE kind = 'tube'
),
relabelled AS (
    SELECT DISTINCT label.unit_id
    FROM label
    JOIN label AS other
      ON other.code = label.code
     AND other.unit_id <> label.unit_id
     AND abs(other.collected_on - label.collected_on) <= CAST($relabel_days AS INTEGER)
     AND (other.people_print <> label.people_print OR other.people <> label.people)
)
SELECT
    tube.tube_id,
    tube.people,
    unit.is_pool,
    coalesce(tube.declared_size > tube.people, false) AS is_incomplete,
    tube.is_shared,
    relabelled.unit_id IS NOT NULL AS is_relabelled,
    tube.collected_at,
    tube.team,
    coalesce(unit_call.call, 'none') AS call,
    coalesce(unit_call.reject_reason, '') AS reject_reason,
    unit_call.answered_at,
    unit_call.unit_id IS NOT NULL AS is_seen
FROM tube
JOIN unit ON unit.unit_id = tube.tube_id
LEFT JOIN unit_call ON unit_call.unit_id = tube.tube_id
LEFT JOIN relabelled ON relabelled.unit_id = tube.tube_id
