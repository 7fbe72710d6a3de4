-- Grain: one new result row. Inputs: typed, fate. $batch_no: the batch of this transaction.
INSERT INTO lab_result BY NAME
SELECT typed.*, $batch_no AS batch_no
FROM typed
JOIN fate USING (receipt_no, row_no)
WHERE fate.fate = 'accepted'
