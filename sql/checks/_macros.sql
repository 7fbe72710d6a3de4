-- What the rules share: how a cell's text is read. Each macro gives NULL where the text is not what it should be.
-- Readers: checks/manifest/*, checks/results/*.

-- A tube or specimen code without its separators, in upper case. ASCII is asked of the code as it came: upper() makes S of the long s.
CREATE OR REPLACE TEMP MACRO code_of(cell) AS CASE
    WHEN regexp_full_match(cell, '[A-Z0-9]{3,32}') THEN cell
    WHEN regexp_full_match(nfc_normalize(cell), '[\s\-_./]*([A-Za-z0-9][\s\-_./]*){3,32}') THEN upper(regexp_replace(nfc_normalize(cell), '[\s\-_./]', '', 'g'))
END;

-- ISO 7064 MOD 37,36 over a normalised code: the state starts at 36 / 2 and must end at 1.
CREATE OR REPLACE TEMP MACRO has_check_character(code) AS list_reduce(
    list_transform(string_split(code, ''), lambda letter: strpos('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', letter) - 1),
    lambda state, worth: ((CASE WHEN state = 0 THEN 36 ELSE state END * 2) % 37 + worth) % 36,
    18
) = 1;

-- Ours (with the programme's prefix, where it has one) must carry the check character; foreign codes are taken as they are.
CREATE OR REPLACE TEMP MACRO is_code(code, own_prefix) AS
    CASE WHEN code IS NULL THEN false WHEN own_prefix = '' OR NOT starts_with(code, own_prefix) THEN true ELSE has_check_character(code) END;

-- Local time. 24:00 is refused: try_cast makes the next day of it.
CREATE OR REPLACE TEMP MACRO time_of(cell) AS CASE
    WHEN regexp_full_match(cell, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?') THEN try_cast(cell AS TIMESTAMP)
END;

-- The year of birth; a birth date is a day or a year alone.
CREATE OR REPLACE TEMP MACRO birth_year_of(cell) AS CASE
    WHEN regexp_full_match(cell, '[12][0-9]{3}') THEN try_cast(cell AS INTEGER)
    WHEN regexp_full_match(cell, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}') THEN year(try_cast(cell AS DATE))
END;

CREATE OR REPLACE TEMP MACRO size_of(cell) AS CASE WHEN regexp_full_match(cell, '[0-9]{1,6}') THEN try_cast(cell AS INTEGER) END;

-- Several targets stand as 'N=23.1;ORF1ab=24'. A decimal comma is refused, not repaired.
CREATE OR REPLACE TEMP MACRO is_ct(cell) AS
    regexp_full_match(cell, '(?i)([^=;]*=)? *([0-9]+(\.[0-9]+)?|undetermined|nan|n/a|-)? *(;([^=;]*=)? *([0-9]+(\.[0-9]+)?|undetermined|nan|n/a|-)? *)*');

-- The numbers among them, NULL for what is none.
CREATE OR REPLACE TEMP MACRO cycles_of(cell) AS
    list_transform(string_split(cell, ';'), lambda part: try_cast(regexp_extract(part, '([0-9]+(\.[0-9]+)?) *$', 1) AS DOUBLE));
