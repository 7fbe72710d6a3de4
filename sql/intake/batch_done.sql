-- Marks the batch as done, inside the transaction of its work.
INSERT INTO batch VALUES ($batch_no, $kind, $as_of, $vault_day)
