-- I1: after a decide batch every specimen it could see has exactly one outcome.
SELECT CAST(specimen_id AS VARCHAR) AS subject
FROM membership
ANTI JOIN outcome USING (specimen_id)
WHERE membership.batch_no <= (SELECT coalesce(max(batch_no), 0) FROM batch WHERE kind = 'decide')
