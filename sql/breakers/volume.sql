-- One row: the messages that batch $batch_no makes due, and those among them that say a specimen is lost before it can be.
-- Inputs: publish. $lost_before: local time; who was swabbed after it is not lost yet. Reader: stages/breakers.
SELECT
    count(*) FILTER (purpose <> 'not_found') AS messages,
    count(*) FILTER (purpose = 'not_found' AND collected_at > $lost_before) AS lost_too_early
FROM publish
WHERE batch_no = $batch_no
