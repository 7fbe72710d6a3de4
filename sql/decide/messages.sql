-- Grain: one message that batch $batch_no owes a person, as the ledger takes it. $time_zone: the programme's; $as_of: of the batch, with its zone.
-- The id is a function of what is told: enqueuing it twice is one row. It begins as its specimen's id does, so that rows in this order
-- meet both of the ledger's indexes from left to right (a million rows: 8 s, at random 14 s).
SELECT
    left(CAST(publish.specimen_id AS VARCHAR), 18)
        || substr(CAST(CAST(md5(concat_ws('|', publish.specimen_id, publish.version, publish.purpose)) AS UUID) AS VARCHAR), 19) AS message_id,
    CAST(publish.specimen_id AS VARCHAR) AS specimen_id,
    publish.version,
    publish.purpose,
    publish.priority,
    publish.is_reachable AS reachable,
    batch.vault_day,
    publish.vault_batch,
    publish.collected_at AT TIME ZONE $time_zone AS collected_at,
    CAST($as_of AS TIMESTAMPTZ) AS due_at
FROM publish
JOIN batch ON batch.batch_no = publish.vault_batch
WHERE publish.batch_no = $batch_no AND publish.purpose IS NOT NULL
ORDER BY publish.specimen_id, publish.version, publish.purpose
