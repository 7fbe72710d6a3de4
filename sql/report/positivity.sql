-- Grain: one day of collection since $since on which somebody's own result is known: people tested, and cases among them. A positive pool
-- is nobody's result: it counts in neither.
SELECT membership.collected_on AS day, count(*) AS tested, count(*) FILTER (outcome.outcome = 'detected') AS detected
FROM outcome
JOIN membership USING (specimen_id)
WHERE membership.collected_on >= $since AND outcome.outcome IN ('detected', 'not_detected')
GROUP BY day
ORDER BY day
