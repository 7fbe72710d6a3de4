-- Grain: one file that no reader could read. Inputs: unread (receipt_no, sender, verdict, reason).
INSERT INTO file BY NAME
SELECT
    receipt_no, $batch_no AS batch_no, NULL AS kind, NULL AS profile, sender, verdict, reason,
    0 AS rows_received, 0 AS rows_accepted, 0 AS rows_duplicate, 0 AS rows_rejected, 0 AS rows_held, 0 AS rows_warned
FROM unread
