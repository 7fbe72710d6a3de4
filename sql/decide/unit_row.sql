-- Grain: one result row in scope and the unit it is about; unit_id NULL: no manifest names it (yet).
-- Inputs: scope_code, lab_result, unit. $window_days: how long after its collection a result may still belong to it.
-- A result belongs to the collection it names, else to the latest one of its code at or before its test; a tube goes before a specimen
-- of the same code. A test time without a clock time counts as the end of its day.
CREATE OR REPLACE TEMP TABLE unit_row AS
WITH in_scope AS (
    SELECT
        *,
        CASE WHEN CAST(tested_at AS TIME) = TIME '00:00:00' THEN tested_at + INTERVAL 1 DAY - INTERVAL 1 SECOND ELSE tested_at END AS test_time
    FROM lab_result
    SEMI JOIN scope_code ON lab_result.tube_code = scope_code.code
),
fitting AS (
    SELECT in_scope.result_id, unit.unit_id, (unit.kind = 'tube', unit.collected_on) AS rank
    FROM in_scope
    JOIN unit ON unit.code = in_scope.tube_code
    WHERE CASE
        WHEN in_scope.collected_on IS NOT NULL THEN in_scope.collected_on = unit.collected_on
        ELSE unit.collected_at <= in_scope.test_time AND in_scope.test_time <= unit.collected_at + to_days(CAST($window_days AS INTEGER))
    END
),
best AS (
    SELECT result_id, max(rank) AS rank FROM fitting GROUP BY result_id
),
chosen AS (
    -- two only where two people stand behind one specimen code: then the row is about both, and decides neither
    SELECT result_id, unit_id FROM fitting JOIN best USING (result_id, rank)
)
SELECT
    chosen.unit_id,
    in_scope.result_id,
    in_scope.tube_code,
    in_scope.tested_at,
    in_scope.resulted_at,
    in_scope.status,
    in_scope.call,
    in_scope.reject_reason,
    in_scope.content,
    in_scope.lab
FROM in_scope
LEFT JOIN chosen USING (result_id)
