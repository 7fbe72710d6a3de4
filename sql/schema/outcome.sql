-- Grain: one specimen, now. Written by decide/outcome_store only.
CREATE TABLE IF NOT EXISTS outcome (
    specimen_id   UUID NOT NULL,
    tube_id       UUID NOT NULL,
    outcome       VARCHAR NOT NULL,
    reason        VARCHAR NOT NULL,
    person_state  VARCHAR NOT NULL,
    version       INTEGER NOT NULL,    -- counts what the person was to be told, from 1; 0: nothing yet
    told          VARCHAR NOT NULL,    -- the outcome of that version; empty: nothing yet
    basis         VARCHAR NOT NULL,    -- how it was tested, or why there is no result, as its person is told
    place         VARCHAR NOT NULL,    -- code of the site, or of the team
    results       INTEGER NOT NULL,    -- how many of the versions told a result: the second one corrects the first
    due_at        TIMESTAMP,           -- when time alone changes it (overdue, lost)
    batch_no      BIGINT NOT NULL
);
