-- Grain: one result row of a batch, put back as it was kept. Inputs: kept_lab_result (the columns of lab_result).
INSERT INTO lab_result BY NAME
SELECT * FROM kept_lab_result
