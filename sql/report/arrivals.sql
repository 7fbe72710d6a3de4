-- Grain: one day since $since on which something arrived: specimens of manifests and rows of results that were accepted that day.
SELECT CAST(batch.as_of AS DATE) AS day, sum(specimens) AS specimens, sum(results) AS results
FROM (
    SELECT batch_no, count(*) AS specimens, 0 AS results FROM membership GROUP BY batch_no
    UNION ALL
    SELECT batch_no, 0, count(*) FROM lab_result GROUP BY batch_no
)
JOIN batch USING (batch_no)
WHERE batch.as_of >= $since
GROUP BY day
ORDER BY day
