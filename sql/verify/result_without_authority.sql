-- I2: every not_detected or detected outcome rests on a final result for the specimen's tube or its own code.
-- Two searches by code, each a hash: a search for either of two codes at once compares every specimen with every result.
WITH said AS (
    SELECT outcome.specimen_id, outcome.outcome AS call, membership.tube_code, membership.specimen_code
    FROM outcome
    JOIN membership USING (specimen_id)
    WHERE outcome.outcome IN ('not_detected', 'detected')
),
final AS (
    SELECT DISTINCT tube_code AS code, call FROM lab_result WHERE status IN ('F', 'C')
)
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM said
ANTI JOIN final AS by_tube ON by_tube.code = said.tube_code AND by_tube.call = said.call
ANTI JOIN final AS by_own ON by_own.code = said.specimen_code AND by_own.call = said.call
