-- Grain: one specimen on one list (worklist, callback), or one tube on the repeat list, ever. Written by decide/list_store only.
CREATE TABLE IF NOT EXISTS list_item (
    list         VARCHAR NOT NULL,
    subject_id   UUID NOT NULL,        -- specimen; for the repeat list the tube
    tube_id      UUID NOT NULL,
    reason       VARCHAR NOT NULL,
    state        VARCHAR NOT NULL,     -- open, done, cancelled (a correction took the reason away)
    opened_at    TIMESTAMP NOT NULL,
    closed_at    TIMESTAMP
);
