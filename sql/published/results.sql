-- Grain: one result row of intake batch $batch_no, as facts. The reader is stages/search.
SELECT tube_code, tube_label, collected_on, tested_at, resulted_at, status, call, reject_reason, ct, lab, receipt_no
FROM lab_result
WHERE batch_no = $batch_no
ORDER BY tube_code, resulted_at
