-- I2: every not_detected or detected outcome rests on a final result for the specimen's tube or its own code.
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM outcome
JOIN membership USING (specimen_id)
WHERE outcome.outcome IN ('not_detected', 'detected')
  AND NOT EXISTS (
      SELECT 1
      FROM lab_result
      WHERE lab_result.status IN ('F', 'C')
        AND lab_result.call = outcome.outcome
        AND lab_result.tube_code IN (membership.tube_code, membership.specimen_code)
  )
