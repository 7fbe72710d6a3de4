-- I2, I6: nobody in a pool, as accepted or as declared, or beside rejected rows of the same file, is detected by the tube's own result.
WITH pool AS (
    SELECT tube_id FROM membership GROUP BY tube_id HAVING count(*) > 1 OR max(declared_size) > 1
    UNION
    SELECT tube_id FROM membership SEMI JOIN slot USING (tube_id, receipt_no)
)
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM outcome
SEMI JOIN pool USING (tube_id)
WHERE outcome = 'detected' AND reason <> 'own_test'
