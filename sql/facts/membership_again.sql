-- Grain: one specimen of a batch, put back as it was kept. Inputs: kept_membership (the columns of membership).
INSERT INTO membership BY NAME
SELECT * FROM kept_membership
