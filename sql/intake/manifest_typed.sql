-- Grain: one manifest row that no rule rejects, typed and under its pseudonyms; no name, phone or id leaves this statement.
-- Inputs: incoming (the batch's manifest rows as text), problem (what the rules found, whose macro code_of normalises codes), received (receipt_no, sender).
-- Readers: intake/manifest_fate, manifest_accept, manifest_slot, manifest_identity, manifest_profile.
-- The person is who the citizen id, else the team's own person code, else folded name, birth date and phone together say.
CREATE OR REPLACE TEMP TABLE typed AS
WITH bad AS (
    SELECT DISTINCT receipt_no, row_no FROM problem WHERE severity = 'reject'
),
good AS (
    SELECT incoming.*, received.sender AS team
    FROM incoming
    JOIN received USING (receipt_no)
    ANTI JOIN bad USING (receipt_no, row_no)
),
keyed AS (
    SELECT
        *,
        CASE
            WHEN citizen_id <> '' THEN 'id|' || citizen_id
            WHEN person_code <> '' THEN 'code|' || person_code
            ELSE 'person|' || regexp_replace(trim(replace(lower(strip_accents(full_name)), 'đ', 'd')), '\s+', ' ', 'g')
                || '|' || birth_date || '|' || phone
        END AS person_key,
        code_of(tube_code) AS code,
        CAST(left(collected_at, 10) AS DATE) AS day
    FROM good
),
named AS (
    SELECT
        *,
        CAST(left(sha256($salt || encode(person_key)), 32) AS UUID) AS person,
        CAST(md5(code || '|' || day) AS UUID) AS tube
    FROM keyed
)
SELECT
    CAST(md5(CAST(tube AS VARCHAR) || CAST(person AS VARCHAR)) AS UUID) AS specimen_id,
    person AS person_id,
    tube AS tube_id,
    code AS tube_code,
    tube_code AS tube_label,
    day AS collected_on,
    CAST(collected_at AS TIMESTAMP) AS collected_at,
    CAST(nullif(pool_size, '') AS SMALLINT) AS declared_size,
    code_of(specimen_code) AS specimen_code,
    code_of(replaces_tube) AS replaces_code,
    coalesce(nullif(lower(pooling_mode), ''), $default_mode) AS mode,
    site_code,
    team,
    regexp_full_match(regexp_replace(phone, '[ .()\-]', '', 'g'), $mobile_pattern) AS is_reachable,
    CAST(left(sha256($salt || encode(concat_ws(chr(31), full_name, birth_date, sex, phone, citizen_id, address, person_code,
        collected_at, pool_size, specimen_code, replaces_tube, pooling_mode, site_code))), 32) AS UUID) AS row_print,
    receipt_no,
    row_no
FROM named
