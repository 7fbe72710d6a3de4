-- Grain: one kept specimen of intake batch $batch_no that has a tube of its own. Sorted by that code: a search for it reads little.
SELECT specimen_code, tube_code
FROM membership
WHERE batch_no = $batch_no AND specimen_code IS NOT NULL
ORDER BY specimen_code, tube_code
