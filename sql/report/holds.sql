-- Grain: one reason of open holds about tubes and specimens: holds, and the specimens behind them.
SELECT reason, count(*) AS holds, CAST(sum(specimens) AS BIGINT) AS specimens FROM hold WHERE closed_at IS NULL GROUP BY reason ORDER BY reason
