DELETE FROM outcome WHERE tube_id IN (SELECT tube_id FROM touched)
