DELETE FROM list_item WHERE tube_id IN (SELECT tube_id FROM touched)
