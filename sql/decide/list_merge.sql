-- Grain: one list item of a touched tube after this batch. An item that the facts no longer give is cancelled, never forgotten;
-- a repeat that is no longer asked for was done. Inputs: list_now, list_item, touched. Readers: decide/list_store.
CREATE OR REPLACE TEMP TABLE list_after AS
WITH before AS (
    SELECT * FROM list_item SEMI JOIN touched USING (tube_id)
),
merged AS (
    SELECT
        list,
        subject_id,
        tube_id,
        coalesce(list_now.reason, before.reason) AS reason,
        CASE
            WHEN list_now.state IS NOT NULL THEN list_now.state
            WHEN before.state = 'open' AND list = 'repeat' THEN 'done'
            WHEN list = 'repeat' THEN before.state
            ELSE 'cancelled'
        END AS state,
        before.state AS state_before,
        coalesce(before.opened_at, $as_of) AS opened_at,
        before.closed_at
    FROM list_now
    FULL JOIN before USING (list, subject_id, tube_id)
)
SELECT
    list, subject_id, tube_id, reason, state, opened_at,
    CASE WHEN state = 'open' THEN NULL WHEN state = state_before THEN closed_at ELSE $as_of END AS closed_at
FROM merged
