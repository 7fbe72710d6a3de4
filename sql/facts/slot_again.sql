-- Grain: one rejected manifest row whose tube is known of a batch, put back as it was kept. Inputs: kept_slot (the columns of slot).
INSERT INTO slot BY NAME
SELECT * FROM kept_slot
