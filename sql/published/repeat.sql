-- Grain: one tube that the lab shall test again: its first test was invalid. The longest waiting first. Inputs: list_item, membership, tube_book.
WITH tube AS (
    SELECT tube_id, min(tube_label) AS tube_code, min(collected_at) AS collected_at, min(team) AS team FROM membership GROUP BY tube_id
)
SELECT coalesce(tube_book.lab, '') AS lab, tube.tube_code, list_item.reason, tube.collected_at, tube.team
FROM list_item
JOIN tube USING (tube_id)
LEFT JOIN tube_book USING (tube_id)
WHERE list_item.list = 'repeat' AND list_item.state = 'open'
ORDER BY tube.collected_at, tube.tube_code
