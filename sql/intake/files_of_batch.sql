-- Grain: one file of batch $batch_no. Reader: stages/intake, which carries it to the ledger's receipts.
SELECT * EXCLUDE (batch_no) FROM file WHERE batch_no = $batch_no ORDER BY receipt_no
