-- Grain: one rejected manifest row whose tube is known. Its place in the tube is kept, so that the mended row may come in a later
-- file of the same team without looking like a second file for the same tube. Read by decide/tube_state.
CREATE TABLE IF NOT EXISTS slot (
    tube_id     UUID NOT NULL,
    team        VARCHAR NOT NULL,
    receipt_no  BIGINT NOT NULL,
    row_no      INTEGER NOT NULL,
    batch_no    BIGINT NOT NULL
);
