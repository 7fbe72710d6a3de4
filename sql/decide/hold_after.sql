-- Grain: one hold that this batch opens, reopens, changes or closes. Inputs: hold_now, hold, touched, scope_code.
-- Readers: decide/hold_store; the decide stage publishes what was stored.
CREATE OR REPLACE TEMP TABLE hold_after AS
WITH before AS (
    SELECT * FROM hold WHERE tube_id IN (SELECT tube_id FROM touched)
    UNION ALL
    SELECT * FROM hold WHERE tube_id IS NULL AND tube_code IN (SELECT code FROM scope_code)
),
merged AS (
    SELECT
        hold_id,
        coalesce(hold_now.reason, before.reason) AS reason,
        coalesce(hold_now.subject, before.subject) AS subject,
        coalesce(hold_now.tube_id, before.tube_id) AS tube_id,
        coalesce(hold_now.tube_code, before.tube_code) AS tube_code,
        coalesce(hold_now.owner, before.owner) AS owner,
        coalesce(hold_now.specimens, before.specimens) AS specimens,
        coalesce(hold_now.facts, before.facts) AS facts,
        CASE WHEN before.hold_id IS NULL OR before.closed_at IS NOT NULL THEN $as_of ELSE before.opened_at END AS opened_at,
        CASE WHEN hold_now.hold_id IS NULL THEN $as_of END AS closed_at,
        before.hold_id IS NULL
            OR (before.closed_at IS NULL) <> (hold_now.hold_id IS NOT NULL)
            OR before.specimens <> hold_now.specimens
            OR before.facts <> hold_now.facts AS is_changed,
        hold_now.hold_id IS NULL AND before.closed_at IS NOT NULL AS is_long_closed
    FROM hold_now
    FULL JOIN before USING (hold_id)
)
SELECT * EXCLUDE (is_changed, is_long_closed) FROM merged WHERE is_changed AND NOT is_long_closed
