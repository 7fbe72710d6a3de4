-- Grain: one specimen of a touched tube: its outcome at $as_of, what its person reads, the version, and when time alone will change it.
-- Inputs: verdict_now, asked, outcome (as it was). Readers: decide/publish_store, outcome_store, hold_now, list_now.
-- A version counts what the person was to be told; an outcome that says the same again is not told again.
-- basis: how the person's swab was tested, or why there is no result, as far as the person is told (domain/words.py). What was found in
-- a pool is nobody's result: `pool_unclear`, whatever the lab called it.
-- place: the site's code where it looks like one, else the team's: a card names nobody, whatever a team wrote into that column.
CREATE OR REPLACE TEMP TABLE outcome_now AS
WITH before AS (
    SELECT specimen_id, version, told, person_state, basis, results
    FROM outcome
    WHERE rowid IN (SELECT outcome.rowid FROM outcome SEMI JOIN touched USING (tube_id))
),
answered AS (
    -- what people decided about a question goes before the question
    SELECT
        verdict_now.* EXCLUDE (ruled, reason),
        CASE
            WHEN choice IS NULL THEN {'outcome': ruled, 'reason': verdict_now.reason}
            WHEN choice = 'release' AND verdict_now.reason = 'discordant' THEN {'outcome': 'not_detected', 'reason': 'own_test_signed'}
            WHEN choice = 'refuse' THEN {'outcome': 'recollect', 'reason': 'refused_' || verdict_now.reason}
            ELSE error('decide/outcome_now: a choice that nobody has')
        END AS ruling
    FROM verdict_now
    LEFT JOIN asked USING (specimen_id)
),
timed AS (
    SELECT
        * EXCLUDE (ruling),
        ruling.outcome AS ruled,
        ruling.reason AS reason,
        ruled IN ('awaiting', 'retest') AND reason <> 'pool_mates' AS is_waiting,
        CASE WHEN is_waiting THEN if(ruled = 'awaiting', tube_overdue_at, own_overdue_at) END AS overdue_at
    FROM answered
),
ended AS (
    SELECT
        * EXCLUDE (reason),
        CASE WHEN is_waiting AND is_past_limit THEN 'lost' ELSE ruled END AS outcome,
        CASE WHEN is_waiting AND is_past_limit THEN 'no_result_in_time' ELSE reason END AS reason,
        is_waiting AND overdue_at <= $as_of AS is_overdue,
        CASE WHEN is_waiting THEN least(
            CASE WHEN overdue_at > $as_of THEN overdue_at END,
            CASE WHEN lost_at > $as_of THEN lost_at END
        ) END AS due_at
    FROM timed
),
worded AS (
    SELECT
        *,
        CASE
            WHEN outcome IN ('not_detected', 'detected') THEN 'ready'
            WHEN outcome = 'retest' THEN 'own_test_needed'
            WHEN outcome = 'recollect' THEN 'come_again'
            WHEN outcome = 'withdrawn' THEN 'withdrawn'
            WHEN outcome = 'lost' THEN 'not_found'
            WHEN outcome IN ('awaiting', 'held') AND is_seen THEN 'at_lab'
            WHEN outcome IN ('awaiting', 'held') THEN 'registered'
            ELSE error('decide/outcome_now: an outcome without a state')
        END AS person_state,
        CASE
            WHEN outcome IN ('awaiting', 'held') THEN 'waiting'
            WHEN outcome = 'not_detected' AND reason = 'pool' THEN 'pool'
            WHEN outcome IN ('not_detected', 'detected') AND reason IN ('single', 'own_test', 'own_test_signed') THEN 'single'
            WHEN outcome IN ('retest', 'recollect') AND reason IN ('pool_detected', 'pool_inconclusive', 'pool_invalid') THEN 'pool_unclear'
            WHEN outcome IN ('retest', 'recollect')
                AND reason IN ('single_inconclusive', 'single_invalid', 'own_inconclusive', 'own_invalid', 'own_repeat') THEN 'own_unclear'
            WHEN outcome = 'recollect' AND reason IN (
                'tube_leaked', 'tube_broken', 'tube_insufficient', 'tube_unlabelled', 'tube_too_old', 'tube_contaminated',
                'tube_wrong_container', 'tube_empty', 'tube_other'
            ) THEN reason
            WHEN outcome = 'recollect' AND starts_with(reason, 'refused_') THEN if(is_pool, 'pool_unclear', 'own_unclear')
            WHEN outcome = 'withdrawn' AND reason = 'withdrawn_by_lab' THEN reason
            WHEN outcome = 'lost' AND reason = 'no_result_in_time' THEN 'no_result'
            ELSE error('decide/outcome_now: a reason that no person is told')
        END AS basis,
        CASE
            WHEN regexp_full_match(site_code, '[A-Za-z0-9][A-Za-z0-9._/-]{0,31}') AND NOT regexp_matches(site_code, '[0-9]{7}') THEN site_code
            ELSE team
        END AS place,
        outcome IN ('not_detected', 'detected', 'retest', 'recollect', 'withdrawn', 'lost') AS is_telling
    FROM ended
)
SELECT
    worded.*,
    before.specimen_id IS NULL AS is_new,
    before.person_state AS state_before,
    before.basis AS basis_before,
    coalesce(before.told, '') AS told_before,
    is_telling AND outcome <> coalesce(before.told, '') AS is_news,
    coalesce(before.version, 0) + CAST(is_telling AND outcome <> coalesce(before.told, '') AS INTEGER) AS version,
    coalesce(before.results, 0)
        + CAST(outcome IN ('not_detected', 'detected') AND outcome <> coalesce(before.told, '') AS INTEGER) AS results
FROM worded
LEFT JOIN before USING (specimen_id)
