-- Grain: one tube that facts after batch $since or the time $as_of change, before its people's other tubes are looked for.
-- is_found: touched_row has all its specimens. Inputs: touched_row, membership, slot, signed_hold, outcome. Readers: decide/seed_row, touched.
-- By rowid, here and in the steps that follow: one column is read to find the few rows, and the others only for these.
CREATE OR REPLACE TEMP TABLE seed AS
WITH by_tube AS (
    SELECT tube_id FROM membership WHERE rowid IN (SELECT place FROM touched_row WHERE is_by_tube)
),
by_specimen AS (
    SELECT tube_id FROM membership WHERE rowid IN (SELECT place FROM touched_row WHERE NOT is_by_tube)
),
by_place AS (
    -- a rejected row's place may tell mended rows from a second file
    SELECT tube_id FROM slot WHERE batch_no > $since
),
by_word AS (
    SELECT tube_id FROM signed_hold WHERE batch_no > $since
),
by_time AS (
    SELECT tube_id FROM outcome WHERE due_at <= $as_of
),
named AS (
    SELECT tube_id, true AS is_found FROM by_tube
    UNION ALL SELECT tube_id, false FROM by_specimen
    UNION ALL SELECT tube_id, false FROM by_place
    UNION ALL SELECT tube_id, false FROM by_word
    UNION ALL SELECT tube_id, false FROM by_time
)
SELECT tube_id, bool_or(is_found) AS is_found FROM named GROUP BY tube_id
