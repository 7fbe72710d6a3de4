-- Grain: one row of `incoming`, its times and cycles read once for all rules; NULL where a cell is not what it should be.
-- Input: incoming. Readers: checks/results/*.
CREATE OR REPLACE TEMP TABLE checked_row AS
WITH cells AS (
    SELECT
        receipt_no,
        row_no,
        tested_at <> '' AS has_tested_at,
        time_of(tested_at) AS tested,
        length(tested_at) = 10 AS tested_is_day,
        resulted_at <> '' AS has_resulted_at,
        time_of(resulted_at) AS resulted,
        length(resulted_at) = 10 AS resulted_is_day,
        collected_at <> '' AS has_collected_at,
        time_of(collected_at) AS taken,
        length(collected_at) = 10 AS taken_is_day,
        ct <> '' AS has_ct,
        CASE WHEN ct <> '' AND is_ct(ct) THEN cycles_of(ct) END AS cycles
    FROM incoming
)
SELECT * REPLACE (list_filter(cycles, lambda number: number > $max_cycles) AS cycles), cycles IS NOT NULL AS is_ct FROM cells
