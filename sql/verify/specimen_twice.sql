-- I1, I7: a specimen is one membership row and one outcome row.
SELECT CAST(specimen_id AS VARCHAR) AS subject FROM membership GROUP BY specimen_id HAVING count(*) > 1
UNION ALL
SELECT CAST(specimen_id AS VARCHAR) FROM outcome GROUP BY specimen_id HAVING count(*) > 1
