-- Grain: one specimen whose card or message the last decide batch changed. Read by the decide stage, which carries it to the ledger;
-- emptied by the next decide batch.
CREATE TABLE IF NOT EXISTS publish (
    batch_no      BIGINT NOT NULL,
    specimen_id   UUID NOT NULL,
    person_state  VARCHAR NOT NULL,
    result        VARCHAR,             -- detected, not_detected: exactly where the state is `ready`
    basis         VARCHAR NOT NULL,
    is_corrected  BOOLEAN NOT NULL,    -- this result replaces one that the person was told before
    place         VARCHAR NOT NULL,    -- code of the site, or of the team
    version       INTEGER NOT NULL,
    vault_batch   BIGINT NOT NULL,     -- the intake batch whose vault file says who it is
    collected_at  TIMESTAMP NOT NULL,
    is_reachable  BOOLEAN NOT NULL,
    purpose       VARCHAR,             -- of the message that this version owes the person; NULL: the card alone changed
    priority      SMALLINT NOT NULL    -- 0 most urgent
);
