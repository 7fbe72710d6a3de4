-- Grain: one file of a batch, put back as it was kept. Inputs: kept_file (the columns of file).
INSERT INTO file BY NAME
SELECT * FROM kept_file
