-- Grain: one batch that this file has seen, in the order of the ledger's journal. Written in the transaction of the batch's work:
-- what stands here is done, and a missing last one means that the file lost something (stages/house.py compares at each opening).
CREATE TABLE IF NOT EXISTS batch (
    batch_no    BIGINT NOT NULL,
    kind        VARCHAR NOT NULL,      -- intake, decide
    as_of       TIMESTAMP NOT NULL,
    vault_day   DATE NOT NULL          -- day of the data key that seals the identities of this batch
);
