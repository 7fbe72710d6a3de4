-- Grain: one specimen (one person's swab in one tube). Facts: rows are added, never changed.
-- Written by intake/manifest_accept; read by decide/*, lists/*, state/*.
-- No key on purpose: at 26 million rows a primary key costs 98 s and 7 GiB; intake adds only what is not there, by one anti-join.
CREATE TABLE IF NOT EXISTS membership (
    specimen_id    UUID NOT NULL,      -- md5(tube, person)
    person_id      UUID NOT NULL,      -- keyed hash: the pseudonym, whose identity is in the vault
    tube_id        UUID NOT NULL,      -- md5(normalised code, collection day)
    tube_code      VARCHAR NOT NULL,   -- normalised
    tube_label     VARCHAR NOT NULL,   -- as the team wrote it
    collected_on   DATE NOT NULL,
    collected_at   TIMESTAMP NOT NULL, -- the programme's local time, like every time in the warehouse
    declared_size  SMALLINT,           -- people the team says are in the tube
    specimen_code  VARCHAR,            -- normalised; the person's own kept tube
    replaces_code  VARCHAR,            -- normalised; the tube that this specimen replaces
    mode           VARCHAR NOT NULL,
    site_code      VARCHAR NOT NULL,
    team           VARCHAR NOT NULL,
    is_reachable   BOOLEAN NOT NULL,   -- the vault holds a mobile number
    row_print      UUID NOT NULL,      -- keyed hash of all cells: tells a repeated row from a changed one
    receipt_no     BIGINT NOT NULL,
    row_no         INTEGER NOT NULL,
    batch_no       BIGINT NOT NULL
);
