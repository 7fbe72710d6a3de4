DELETE FROM hold WHERE hold_id IN (SELECT hold_id FROM hold_after)
