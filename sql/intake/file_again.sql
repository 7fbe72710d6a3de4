-- A held file that two people let through is taken in by a later batch: what it was in the earlier one goes, since a file stands here once.
-- Inputs: batch_receipt (receipt_no).
DELETE FROM file WHERE receipt_no IN (SELECT receipt_no FROM batch_receipt)
