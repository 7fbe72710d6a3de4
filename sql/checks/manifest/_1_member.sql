-- Grain: one row of `incoming` that names a tube and a day. Input: incoming. Readers: the rules that look at a whole tube or person.
-- Rows without either stay out: another rule rejects them.
CREATE OR REPLACE TEMP TABLE member AS
WITH read_row AS (
    SELECT
        receipt_no,
        row_no,
        code_of(tube_code) AS tube,
        time_of(collected_at)::DATE AS day,
        -- Within one tube two people's hashes never meet; whole names would cost the grouping three times as much.
        CASE
            WHEN citizen_id <> '' THEN hash('citizen', citizen_id)
            WHEN person_code <> '' THEN hash('code', person_code)
            WHEN full_name <> '' OR birth_date <> '' OR phone <> '' THEN hash(
                'name',
                regexp_replace(trim(replace(lower(strip_accents(full_name)), 'đ', 'd')), '\s+', ' ', 'g'),
                birth_date,
                phone
            )
        END AS person,
        CASE WHEN pooling_mode = '' THEN $default_mode ELSE pooling_mode END AS mode,
        nullif(size_of(pool_size), 0) AS declared,
        code_of(specimen_code) AS specimen,
        specimen_code <> '' AS has_specimen_code
    FROM incoming
)
SELECT * FROM read_row WHERE tube IS NOT NULL AND day IS NOT NULL
