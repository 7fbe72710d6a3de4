-- Inputs: hold_after. The one place that writes a hold about tubes and specimens.
INSERT INTO hold BY NAME SELECT *, $batch_no AS batch_no FROM hold_after
