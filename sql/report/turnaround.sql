-- Grain: one segment of a specimen's way that has data: how many, and hours p50 and p90. Inputs: tube_book, membership, arrived (receipt_no, at),
-- released (specimen_id, at: when the ledger took the first message that a result is ready), all local times. $since: day of collection.
-- received: the manifest; tested: the tube's first result. The two run side by side: a lab may be quicker than a team's file.
WITH step AS (
    SELECT 'collected_received' AS segment, arrived.at - membership.collected_at AS took
    FROM membership
    JOIN arrived USING (receipt_no)
    WHERE membership.collected_on >= $since
    UNION ALL
    SELECT 'collected_tested', tube_book.tested_at - membership.collected_at
    FROM membership
    JOIN tube_book USING (tube_id)
    WHERE tube_book.tested_at IS NOT NULL
    UNION ALL
    SELECT 'tested_released', released.at - tube_book.tested_at
    FROM released
    JOIN membership ON membership.specimen_id = CAST(released.specimen_id AS UUID)
    JOIN tube_book USING (tube_id)
    WHERE tube_book.tested_at IS NOT NULL
)
SELECT segment, count(*) AS specimens, quantile_cont(epoch(took) / 3600, 0.5) AS p50, quantile_cont(epoch(took) / 3600, 0.9) AS p90
FROM step
GROUP BY segment
