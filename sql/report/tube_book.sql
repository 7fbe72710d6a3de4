-- Grain: one tube that a team collected since $since, and what the lab said of it first. Readers: report/reconciled, tubes_apart, overdue, turnaround.
-- A result belongs to the collection it names, else to the latest of its code at or before its test (as in decide/unit_row, which
-- knows only the tubes that a batch touched). $window_days: how long after its collection a result may still belong to a tube.
CREATE OR REPLACE TEMP TABLE tube_book AS
WITH tube AS (
    SELECT
        tube_id, min(tube_code) AS tube_code, min(tube_label) AS tube_label, min(team) AS team, min(collected_on) AS collected_on,
        min(collected_at) AS collected_at, count(*) AS people, max(declared_size) AS declared_size
    FROM membership
    WHERE collected_on >= $since
    GROUP BY tube_id
),
told AS (
    SELECT
        result_id, tube_code, collected_on, lab, tested_at,
        CASE WHEN CAST(tested_at AS TIME) = TIME '00:00:00' THEN tested_at + INTERVAL 1 DAY - INTERVAL 1 SECOND ELSE tested_at END AS test_time
    FROM lab_result
    WHERE status <> 'P'
),
chosen AS (
    SELECT told.result_id, arg_max(tube.tube_id, tube.collected_on) AS tube_id, any_value(told.tested_at) AS tested_at, any_value(told.lab) AS lab
    FROM told
    JOIN tube USING (tube_code)
    WHERE CASE
        WHEN told.collected_on IS NOT NULL THEN told.collected_on = tube.collected_on
        ELSE tube.collected_at <= told.test_time AND told.test_time <= tube.collected_at + to_days(CAST($window_days AS INTEGER))
    END
    GROUP BY told.result_id
),
answer AS (
    SELECT tube_id, min(tested_at) AS tested_at, arg_min(lab, tested_at) AS lab FROM chosen GROUP BY tube_id
)
SELECT
    tube.*, answer.tested_at, answer.lab,
    CASE
        WHEN answer.tube_id IS NULL THEN 'manifest_only'
        WHEN tube.declared_size <> tube.people THEN 'other_counts'
        ELSE 'both'
    END AS kind
FROM tube
LEFT JOIN answer USING (tube_id)
