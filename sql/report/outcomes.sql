-- Grain: one outcome and the specimens it is true of.
SELECT outcome, count(*) AS specimens FROM outcome GROUP BY outcome ORDER BY outcome
