-- Grain: one file that the warehouse has judged.
SELECT receipt_no, verdict, rows_received, rows_accepted FROM file
