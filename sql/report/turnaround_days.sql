-- Grain: one day of collection with a released result: hours from collection to release, p50 and p90. Inputs: released (as for report/turnaround).
SELECT
    membership.collected_on AS day, count(*) AS specimens,
    quantile_cont(epoch(released.at - membership.collected_at) / 3600, 0.5) AS p50,
    quantile_cont(epoch(released.at - membership.collected_at) / 3600, 0.9) AS p90
FROM released
JOIN membership ON membership.specimen_id = CAST(released.specimen_id AS UUID)
WHERE membership.collected_on >= $since
GROUP BY day
ORDER BY day
