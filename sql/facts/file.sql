-- Grain: one file of batch $batch_no, as it stands. Reader: stages/kept_facts, which keeps it before the files are erased.
SELECT * FROM file WHERE batch_no = $batch_no
