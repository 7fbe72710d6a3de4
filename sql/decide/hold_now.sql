-- Grain: one question for a person about one tube, as the facts stand: about touched tubes and about results that no manifest names.
-- Inputs: outcome_now, asked, unit_row. Readers: decide/hold_after.
-- Two tubes with one specimen code are two questions: one of them may be answered while the other still waits.
CREATE OR REPLACE TEMP TABLE hold_now AS
WITH held AS (
    SELECT asked.reason, asked.subject, tube_id, tube_code, team AS owner, collected_on, asked.facts
    FROM outcome_now
    JOIN asked USING (specimen_id, tube_id)
    WHERE outcome = 'held'
),
overdue AS (
    SELECT 'overdue' AS reason, if(ruled = 'awaiting', tube_code, specimen_code) AS subject, tube_id, tube_code, team AS owner, collected_on,
        '' AS facts
    FROM outcome_now
    WHERE is_overdue
),
about_tubes AS (
    SELECT reason, subject, tube_id, tube_code, min(owner) AS owner, collected_on, facts, count(*) AS specimens
    FROM (SELECT * FROM held UNION ALL SELECT * FROM overdue)
    GROUP BY ALL
),
unmatched AS (
    SELECT
        'unmatched' AS reason, tube_code AS subject, CAST(NULL AS UUID) AS tube_id, tube_code, min(lab) AS owner,
        CAST(NULL AS DATE) AS collected_on, '' AS facts, 0 AS specimens
    FROM unit_row
    WHERE unit_id IS NULL AND status <> 'P'
    GROUP BY tube_code
)
SELECT
    CAST(md5(concat_ws('|',
        reason, subject, coalesce(CAST(collected_on AS VARCHAR), ''), CASE WHEN tube_code <> subject THEN tube_code END
    )) AS UUID) AS hold_id,
    * EXCLUDE (collected_on)
FROM (SELECT * FROM about_tubes UNION ALL BY NAME SELECT * FROM unmatched)
