-- Grain: one rejected manifest row whose tube is known of batch $batch_no, as it stands. Reader: stages/kept_facts, which keeps it before the files are erased.
SELECT * FROM slot WHERE batch_no = $batch_no
