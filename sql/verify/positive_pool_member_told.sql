-- I6: nobody in a pool of two or more is detected by the pool's own result.
WITH pool AS (
    SELECT tube_id FROM membership GROUP BY tube_id HAVING count(*) > 1
)
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM outcome
SEMI JOIN pool USING (tube_id)
WHERE outcome = 'detected' AND reason <> 'own_test'
