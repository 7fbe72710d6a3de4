-- The statements of sqlite_peer.py, each under the step that it is timed with.

-- step: rules
-- The names of the rules that a row breaks stand in `rules`, '' where none.
-- '+0 days' makes the next month's day of a 31st that does not exist, which is then another text.
CREATE TEMP TABLE manifest_read AS
WITH bare AS MATERIALIZED (
    SELECT
        *,
        upper(replace(replace(replace(replace(replace(tube_code, ' ', ''), '-', ''), '_', ''), '.', ''), '/', '')) AS tube,
        upper(replace(replace(replace(replace(replace(specimen_code, ' ', ''), '-', ''), '_', ''), '.', ''), '/', '')) AS specimen,
        substr(collected_at, 1, 10) AS day,
        CASE WHEN birth_date GLOB '[12][0-9][0-9][0-9]' OR birth_date IS date(birth_date, '+0 days') THEN CAST(substr(birth_date, 1, 4) AS INTEGER) END AS born_year,
        length(citizen_id) = 12 AND citizen_id NOT GLOB '*[^0-9]*' AS is_citizen_id,
        CAST(substr(citizen_id, 4, 1) AS INTEGER) AS century,
        CASE WHEN lower(sex) IN ('m', 'male', 'nam') THEN 0 WHEN lower(sex) IN ('f', 'female', 'nữ', 'nu') THEN 1 END AS sex_digit,
        CASE WHEN pooling_mode = '' THEN 'field' ELSE lower(pooling_mode) END AS mode
    FROM manifest_cell
)
SELECT
    *,
    iif('' IN (full_name, birth_date, phone), 'missing_identity ', '')
    || iif(length(tube) NOT BETWEEN 3 AND 32 OR tube GLOB '*[^A-Z0-9]*' OR NOT is_code(tube), 'bad_tube_code ', '')
    || iif(collected_at IS NOT strftime('%Y-%m-%d %H:%M', collected_at, '+0 days'), 'bad_collected_at ', '')
    || iif(collected_at > :latest, 'future_collected_at ', '')
    || iif(collected_at < :oldest, 'too_old_collected ', '')
    || iif(birth_date <> '' AND (
        born_year IS NULL OR born_year < :first_birth_year OR born_year > CAST(substr(day, 1, 4) AS INTEGER)
        OR (length(birth_date) = 10 AND birth_date > day)), 'bad_birth_date ', '')
    || iif(citizen_id <> '' AND NOT is_citizen_id, 'bad_citizen_id ', '')
    || iif(is_citizen_id AND (born_year <> 1900 + 100 * (century / 2) + substr(citizen_id, 5, 2) OR sex_digit <> century % 2), 'citizen_id_disagrees ', '')
    || iif(pool_size <> '' AND (pool_size GLOB '*[^0-9]*' OR CAST(pool_size AS INTEGER) NOT BETWEEN 1 AND :max_pool), 'bad_pool_size ', '')
    || iif(mode NOT IN ('field', 'lab', 'double'), 'unknown_mode ', '')
    || iif(mode IN ('lab', 'double') AND specimen = '', 'missing_specimen_code ', '')
    || iif(specimen <> '' AND (length(specimen) NOT BETWEEN 3 AND 32 OR specimen GLOB '*[^A-Z0-9]*' OR NOT is_code(specimen)), 'bad_specimen_code ', '')
    AS rules
FROM bare;

CREATE TEMP TABLE results_read AS
WITH bare AS MATERIALIZED (
    SELECT
        results_cell.*,
        upper(replace(replace(replace(replace(replace(tube_code, ' ', ''), '-', ''), '_', ''), '.', ''), '/', '')) AS tube,
        word.call
    FROM results_cell
    LEFT JOIN word ON word.result = lower(results_cell.result)
)
SELECT
    *,
    iif(length(tube) NOT BETWEEN 3 AND 32 OR tube GLOB '*[^A-Z0-9]*' OR NOT is_code(tube), 'bad_tube_code ', '')
    || iif(call IS NULL, 'unknown_result_word ', '')
    || iif(tested_at IS NOT strftime('%Y-%m-%d %H:%M', tested_at, '+0 days'), 'bad_tested_at ', '')
    || iif(tested_at > :latest, 'future_tested_at ', '')
    || iif(NOT ct REGEXP :ct, 'bad_ct ', '')
    || iif(CAST(ct AS REAL) > :max_ct, 'ct_above_cycles ', '') AS rules
FROM bare;

CREATE TABLE reject AS
SELECT 'manifest' AS kind, file, row, rules FROM manifest_read WHERE rules <> ''
UNION ALL
SELECT 'results', file, row, rules FROM results_read WHERE rules <> '';

-- step: dedupe
-- Who has no citizen id is known by name, birth date and phone.
CREATE TABLE person (
    tube TEXT, day TEXT, person TEXT, collected TEXT, full_name TEXT, birth_date TEXT, sex TEXT, phone TEXT, is_reachable INTEGER,
    size INTEGER, mode TEXT, specimen TEXT, file TEXT, row INTEGER, PRIMARY KEY (tube, day, person)
) WITHOUT ROWID;

INSERT OR IGNORE INTO person
SELECT
    tube, day, CASE WHEN citizen_id <> '' THEN citizen_id ELSE full_name || '|' || birth_date || '|' || phone END,
    collected_at, full_name, birth_date, sex, phone,
    replace(replace(replace(replace(replace(phone, ' ', ''), '.', ''), '(', ''), ')', ''), '-', '') REGEXP :mobile,
    nullif(pool_size, ''), mode, specimen, file, row
FROM manifest_read
WHERE rules = '';

CREATE TABLE test (tube TEXT, tested TEXT, call TEXT, ct TEXT, file TEXT, row INTEGER, PRIMARY KEY (tube, tested, call, ct)) WITHOUT ROWID;

INSERT OR IGNORE INTO test SELECT tube, tested_at, call, ct, file, row FROM results_read WHERE rules = '';

-- step: unpool
-- is_shared: the product lets mended rows of the same team pass.
CREATE TABLE tube (
    tube TEXT, day TEXT, people INTEGER, declared INTEGER, collected TEXT, until TEXT, is_shared INTEGER, is_pool INTEGER,
    PRIMARY KEY (tube, day)
) WITHOUT ROWID;

INSERT INTO tube
SELECT
    tube, day, count(*), max(size), min(collected), strftime('%Y-%m-%d %H:%M', min(collected), :window), min(file) <> max(file),
    max(count(*), coalesce(max(size), 1)) > 1
FROM person
GROUP BY tube, day;

CREATE TEMP TABLE found AS
SELECT
    tube, tested, call, ct,
    (SELECT day FROM tube WHERE tube.tube = test.tube AND collected <= tested AND tested <= until ORDER BY day DESC LIMIT 1) AS day
FROM test;

CREATE TEMP TABLE tube_call (tube TEXT, day TEXT, call TEXT, PRIMARY KEY (tube, day)) WITHOUT ROWID;

INSERT INTO tube_call
WITH summary AS (
    SELECT
        tube,
        day,
        count(DISTINCT call || '|' || ct) AS contents,
        count(DISTINCT call || '|' || ct) FILTER (WHERE call <> 'invalid') AS answers,
        min(call) FILTER (WHERE call <> 'invalid') AS answer,
        min(tested) FILTER (WHERE call <> 'invalid') AS first_answer,
        min(tested) FILTER (WHERE call = 'invalid') AS first_invalid,
        max(tested) FILTER (WHERE call = 'invalid') AS last_invalid
    FROM found
    WHERE day IS NOT NULL
    GROUP BY tube, day
)
SELECT
    tube,
    day,
    CASE
        WHEN answers = 0 AND first_invalid < last_invalid THEN 'invalid'
        WHEN answers = 0 AND contents = 1 THEN 'repeat'
        WHEN answers = 1 AND coalesce(last_invalid < first_answer, true) THEN answer
        ELSE 'conflict'
    END
FROM summary;

CREATE TEMP TABLE relabelled AS
WITH again AS (
    SELECT tube FROM tube GROUP BY tube HAVING count(*) > 1
),
label AS (
    SELECT tube, day, group_concat(person, '|') AS who
    FROM (SELECT tube, day, person FROM person WHERE tube IN (SELECT tube FROM again) ORDER BY tube, day, person)
    GROUP BY tube, day
)
SELECT DISTINCT label.tube, label.day
FROM label
JOIN label AS other USING (tube)
WHERE other.day <> label.day AND abs(julianday(other.day) - julianday(label.day)) <= :relabel_days AND other.who <> label.who;

-- Negative pools of somebody whose own tube of that day is positive.
CREATE TEMP TABLE contradicted AS
SELECT DISTINCT pool.tube, pool.day
FROM tube_call AS positive
CROSS JOIN tube AS single ON single.tube = positive.tube AND single.day = positive.day AND NOT single.is_pool
CROSS JOIN person AS mine ON mine.tube = single.tube AND mine.day = single.day
CROSS JOIN person AS elsewhere ON elsewhere.person = mine.person AND elsewhere.day = mine.day
CROSS JOIN tube AS pool ON pool.tube = elsewhere.tube AND pool.day = elsewhere.day AND pool.is_pool
CROSS JOIN tube_call AS negative ON negative.tube = pool.tube AND negative.day = pool.day AND negative.call = 'not_detected'
WHERE positive.call = 'detected';

-- step: outcomes
-- The first rule that fits. `own_test` divides by whether the person's specimen was kept.
CREATE TABLE ruling (tube TEXT, day TEXT, collected TEXT, ruled TEXT, reason TEXT, PRIMARY KEY (tube, day)) WITHOUT ROWID;

INSERT INTO ruling
WITH marked AS (
    SELECT
        tube.*,
        coalesce(tube_call.call, 'none') AS call,
        iif(is_pool, 'pool', 'single') AS kind,
        (tube, day) IN (SELECT tube, day FROM relabelled) AS is_relabelled,
        (tube, day) IN (SELECT tube, day FROM contradicted) AS is_contradicted
    FROM tube
    LEFT JOIN tube_call USING (tube, day)
),
ruled AS (
    SELECT
        *,
        CASE
            WHEN is_shared THEN 'held shared_tube'
            WHEN is_relabelled THEN 'held relabelled'
            WHEN call = 'conflict' THEN 'held conflict'
            WHEN is_contradicted THEN 'held contradiction'
            WHEN call = 'none' THEN 'awaiting no_result'
            WHEN call = 'repeat' THEN 'awaiting tube_repeat'
            WHEN call = 'not_detected' AND is_pool AND declared > people THEN 'held incomplete'
            WHEN call = 'not_detected' THEN 'not_detected ' || kind
            WHEN call = 'detected' AND NOT is_pool THEN 'detected single'
            ELSE 'own_test ' || kind || '_' || call
        END AS both
    FROM marked
)
SELECT tube, day, collected, substr(both, 1, instr(both, ' ') - 1), substr(both, instr(both, ' ') + 1) FROM ruled;

CREATE TABLE outcome AS
SELECT
    tube, day, person,
    CASE WHEN ruled <> 'own_test' THEN ruled WHEN mode IN ('lab', 'double') AND specimen <> '' THEN 'retest' ELSE 'recollect' END AS outcome,
    reason
FROM person
JOIN ruling USING (tube, day);

CREATE TABLE worklist AS
SELECT specimen, tube, reason, collected FROM outcome JOIN person USING (tube, day, person) WHERE outcome = 'retest';

CREATE TABLE callback AS
SELECT tube, full_name, phone, reason, collected FROM outcome JOIN person USING (tube, day, person) WHERE outcome = 'recollect';

CREATE TABLE hold AS
SELECT tube, day, CASE WHEN ruled = 'held' THEN reason ELSE 'overdue' END AS hold
FROM ruling
WHERE ruled = 'held' OR (ruled = 'awaiting' AND collected <= :overdue)
UNION ALL
SELECT DISTINCT tube, NULL, 'unmatched' FROM found WHERE day IS NULL;

-- step: messages
-- The urgent first; the id says what is told, so that nothing is queued twice.
CREATE TABLE message AS
SELECT tube || '|' || day || '|' || person || '|' || purpose AS message, purpose, priority, phone, is_reachable, collected
FROM outcome
JOIN told USING (outcome)
JOIN person USING (tube, day, person)
ORDER BY priority;
