-- Grain: one result row that a lab sent for one code, each content once. Facts: rows are added, never changed.
-- Written by intake/result_accept; read by decide/*, state/*.
CREATE TABLE IF NOT EXISTS lab_result (
    result_id      UUID NOT NULL,      -- md5 of everything the row says: the same row again is the same result
    tube_code      VARCHAR NOT NULL,   -- normalised; a tube's code, or a specimen code
    tube_label     VARCHAR NOT NULL,
    collected_on   DATE,               -- where the lab names the collection
    tested_at      TIMESTAMP NOT NULL,
    resulted_at    TIMESTAMP NOT NULL, -- tested_at where the lab gives no other
    status         VARCHAR NOT NULL,   -- HL7 table 0085: P F C W X
    call           VARCHAR,            -- empty only for W and X
    reject_reason  VARCHAR NOT NULL,
    ct             VARCHAR NOT NULL,
    plate_code     VARCHAR NOT NULL,
    content        UUID NOT NULL,      -- md5 of call, reject_reason, ct: what a correction may change
    lab            VARCHAR NOT NULL,
    receipt_no     BIGINT NOT NULL,
    row_no         INTEGER NOT NULL,
    batch_no       BIGINT NOT NULL
);
