-- Grain: one question for a person, open or answered by later facts. Written by decide/hold_store only; published to the ledger.
CREATE TABLE IF NOT EXISTS hold (
    hold_id    UUID NOT NULL,          -- md5(reason, subject, collection day; and the tube's code where the subject is a specimen's)
    reason     VARCHAR NOT NULL,
    subject    VARCHAR NOT NULL,       -- tube or specimen code
    tube_id    UUID,                   -- by which later facts find it; NULL: no manifest names the tube, the code finds it
    tube_code  VARCHAR NOT NULL,
    owner      VARCHAR NOT NULL,       -- code of the team or lab that can answer
    specimens  INTEGER NOT NULL,
    facts      VARCHAR NOT NULL,       -- print of what it rests on, which people sign (decide/asked); '' where they have nothing to sign
    opened_at  TIMESTAMP NOT NULL,
    closed_at  TIMESTAMP,
    batch_no   BIGINT NOT NULL         -- of the last change
);
