-- I2, I9: an outcome that people decided rests on what they signed about its tube, for that reason.
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM outcome
WHERE (reason = 'own_test_signed' OR starts_with(reason, 'refused_'))
  AND NOT EXISTS (
      SELECT 1
      FROM signed_hold
      WHERE signed_hold.tube_id = outcome.tube_id
        AND CASE signed_hold.choice WHEN 'release' THEN 'own_test_signed' ELSE 'refused_' || signed_hold.reason END = outcome.reason
  )
