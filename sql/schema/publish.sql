-- Grain: one specimen whose card or message the last decide batch changed. Read by the decide stage, which carries it to the ledger;
-- emptied by the next decide batch.
CREATE TABLE IF NOT EXISTS publish (
    batch_no      BIGINT NOT NULL,
    specimen_id   UUID NOT NULL,
    person_state  VARCHAR NOT NULL,
    version       INTEGER NOT NULL,
    vault_batch   BIGINT NOT NULL,     -- the intake batch whose vault file says who it is
    collected_at  TIMESTAMP NOT NULL,
    is_reachable  BOOLEAN NOT NULL,
    purpose       VARCHAR,             -- of the message that this version owes the person; NULL: the card alone changed
    priority      SMALLINT NOT NULL    -- 0 most urgent
);
