-- Grain: one code that facts younger than batch $since name, as a tube, a specimen, a replaced tube or a result's tube.
CREATE OR REPLACE TEMP TABLE touched_code AS
SELECT tube_code AS code FROM membership WHERE batch_no > $since
UNION
SELECT specimen_code FROM membership WHERE batch_no > $since AND specimen_code IS NOT NULL
UNION
SELECT replaces_code FROM membership WHERE batch_no > $since AND replaces_code IS NOT NULL
UNION
SELECT tube_code FROM lab_result WHERE batch_no > $since
