-- I7: a result row is stored once.
SELECT CAST(result_id AS VARCHAR) AS subject FROM lab_result GROUP BY result_id HAVING count(*) > 1
