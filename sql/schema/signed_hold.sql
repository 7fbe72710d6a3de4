-- Grain: one hold that enough people have decided, each opening and print once. Facts: rows are added, never changed.
-- Written by decide/signed_store; read by decide/seed, asked, state/*. The ledger knows who said so and why.
CREATE TABLE IF NOT EXISTS signed_hold (
    hold_id    UUID NOT NULL,
    tube_id    UUID NOT NULL,
    reason     VARCHAR NOT NULL,
    subject    VARCHAR NOT NULL,
    choice     VARCHAR NOT NULL,       -- release: what its people's own tests say stands; refuse: they are swabbed again
    facts      VARCHAR NOT NULL,       -- print of what was signed (decide/asked); the signature is void for any other
    batch_no   BIGINT NOT NULL
);
