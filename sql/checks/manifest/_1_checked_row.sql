-- Grain: one row of `incoming`, its cells read once for all rules; NULL where a cell is not what it should be.
-- Input: incoming. Readers: checks/manifest/*.
-- The person is a hash of what tells people apart within one file: citizen id, else person code, else folded name, birth date and phone.
-- Folding a million names takes a second: done only where birth date and phone stand in the file more than once (twins, one row twice).
CREATE OR REPLACE TEMP TABLE checked_row AS
WITH cells AS (
    SELECT
        receipt_no,
        row_no,
        full_name,
        code_of(tube_code) AS tube,
        collected_at <> '' AS has_collected_at,
        time_of(collected_at) AS taken,
        birth_date <> '' AS has_birth_date,
        birth_year_of(birth_date) AS born_year,
        CASE WHEN length(birth_date) = 10 THEN try_cast(birth_date AS DATE) END AS born,
        CASE WHEN pooling_mode = '' THEN $default_mode ELSE lower(pooling_mode) END AS mode,
        pool_size <> '' AS has_pool_size,
        size_of(pool_size) AS declared,
        specimen_code <> '' AS has_specimen_code,
        code_of(specimen_code) AS specimen,
        CASE WHEN citizen_id <> '' THEN hash('citizen', citizen_id) WHEN person_code <> '' THEN hash('code', person_code) END AS code,
        CASE
            WHEN citizen_id = '' AND person_code = '' AND (full_name <> '' OR birth_date <> '' OR phone <> '') THEN hash(birth_date, phone)
        END AS birth_and_phone
    FROM incoming
),
again AS (
    SELECT receipt_no, birth_and_phone FROM cells WHERE birth_and_phone IS NOT NULL GROUP BY receipt_no, birth_and_phone HAVING count(*) > 1
)
SELECT
    receipt_no,
    row_no,
    tube,
    has_collected_at,
    taken,
    taken::DATE AS day,
    has_birth_date,
    born_year,
    born,
    mode,
    has_pool_size,
    declared,
    has_specimen_code,
    specimen,
    CASE
        WHEN code IS NOT NULL THEN code
        WHEN again.birth_and_phone IS NOT NULL THEN hash(
            regexp_replace(trim(replace(lower(strip_accents(full_name)), 'đ', 'd')), '\s+', ' ', 'g'), birth_and_phone
        )
        ELSE birth_and_phone
    END AS person
FROM cells
LEFT JOIN again USING (receipt_no, birth_and_phone)
