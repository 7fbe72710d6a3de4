-- Grain: one received file that a batch judged. Copied to the ledger's receipt when the batch ends.
CREATE TABLE IF NOT EXISTS file (
    receipt_no     BIGINT NOT NULL,
    batch_no       BIGINT NOT NULL,
    kind           VARCHAR,
    profile        VARCHAR,
    sender         VARCHAR NOT NULL,
    verdict        VARCHAR NOT NULL,   -- accepted, held, refused
    reason         VARCHAR NOT NULL,   -- empty when accepted
    rows_received  BIGINT NOT NULL,
    rows_accepted  BIGINT NOT NULL,
    rows_duplicate BIGINT NOT NULL,
    rows_rejected  BIGINT NOT NULL,
    rows_held      BIGINT NOT NULL,
    rows_warned    BIGINT NOT NULL,
    CHECK (rows_received = rows_accepted + rows_duplicate + rows_rejected + rows_held)
);
