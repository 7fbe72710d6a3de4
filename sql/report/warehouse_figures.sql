-- One row: tubes, specimens and lists in numbers. worklist and callback: people ever put there, open or done. Reader: stages/status.
WITH tube AS (
    SELECT tube_id, count(*) AS people FROM membership GROUP BY tube_id
)
SELECT
    (SELECT count(*) FROM tube WHERE people > 1) AS pools,
    (SELECT count(*) FROM tube WHERE people = 1) AS singles,
    (SELECT count(*) FROM membership) AS specimens,
    (SELECT count(*) FROM list_item WHERE list = 'worklist') AS worklist,
    (SELECT count(*) FROM list_item WHERE list = 'callback') AS callback,
    (SELECT count(*) FROM list_item WHERE list = 'worklist' AND state = 'open') AS worklist_open,
    (SELECT count(*) FROM list_item WHERE list = 'callback' AND state = 'open') AS callback_open
