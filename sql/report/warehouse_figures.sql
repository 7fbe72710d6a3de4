-- One row: tubes, specimens and lists in numbers. worklist and callback: people ever put there, open or done. Reader: stages/status.
-- A pool is what a team listed as one (decide/unit).
WITH listed AS (
    SELECT tube_id, receipt_no, count(*) AS people, max(declared_size) AS declared_size
    FROM (
        SELECT tube_id, receipt_no, declared_size FROM membership
        UNION ALL
        SELECT tube_id, receipt_no, NULL FROM slot
    )
    GROUP BY tube_id, receipt_no
),
accepted AS (
    SELECT tube_id, count(*) AS people FROM membership GROUP BY tube_id
),
tube AS (
    SELECT tube_id, greatest(any_value(accepted.people), max(coalesce(listed.declared_size, 1)), max(listed.people)) > 1 AS is_pool
    FROM listed
    JOIN accepted USING (tube_id)
    GROUP BY tube_id
)
SELECT
    (SELECT count(*) FROM tube WHERE is_pool) AS pools,
    (SELECT count(*) FROM tube WHERE NOT is_pool) AS singles,
    (SELECT count(*) FROM membership) AS specimens,
    (SELECT count(*) FROM list_item WHERE list = 'worklist') AS worklist,
    (SELECT count(*) FROM list_item WHERE list = 'callback') AS callback,
    (SELECT count(*) FROM list_item WHERE list = 'worklist' AND state = 'open') AS worklist_open,
    (SELECT count(*) FROM list_item WHERE list = 'callback' AND state = 'open') AS callback_open
