-- Grain: one specimen of a touched tube: the outcome that the facts give, with its reason, before time makes some of them lost.
-- Inputs: member, pool_view. Readers: decide/asked, outcome_now. The rules are domain.md sections 2 and 3, in this order; the first that fits.
CREATE OR REPLACE TEMP TABLE verdict_now AS
WITH ruled AS (
    SELECT
        member.*,
        CASE
            WHEN own = 'withdrawn' OR (call = 'withdrawn' AND own IN ('none', 'repeat')) THEN {'outcome': 'withdrawn', 'reason': 'withdrawn_by_lab'}
            WHEN is_shared THEN {'outcome': 'held', 'reason': 'shared_tube'}
            WHEN is_relabelled THEN {'outcome': 'held', 'reason': 'relabelled'}
            WHEN call = 'conflict' OR own = 'conflict' THEN {'outcome': 'held', 'reason': 'conflict'}
            WHEN is_code_shared AND (own <> 'none' OR call IN ('detected', 'inconclusive', 'invalid')) THEN {'outcome': 'held', 'reason': 'shared_tube'}
            WHEN pool_view.is_contradicted THEN {'outcome': 'held', 'reason': 'contradiction'}
            WHEN own = 'detected' THEN {'outcome': 'detected', 'reason': 'own_test'}
            WHEN own = 'not_detected' AND is_pool AND call = 'detected' AND NOT pool_view.has_positive AND pool_view.has_open
                THEN {'outcome': 'awaiting', 'reason': 'pool_mates'}
            WHEN own = 'not_detected' AND is_pool AND call = 'detected' AND NOT pool_view.has_positive
                THEN {'outcome': 'held', 'reason': 'discordant'}
            WHEN own = 'not_detected' THEN {'outcome': 'not_detected', 'reason': 'own_test'}
            WHEN own = 'rejected' THEN {'outcome': 'recollect', 'reason': 'tube_' || own_reject_reason}
            WHEN own IN ('inconclusive', 'invalid') THEN {'outcome': 'recollect', 'reason': 'own_' || own}
            WHEN own = 'repeat' THEN {'outcome': 'retest', 'reason': 'own_repeat'}
            WHEN call = 'none' THEN {'outcome': 'awaiting', 'reason': 'no_result'}
            WHEN call = 'repeat' THEN {'outcome': 'awaiting', 'reason': 'tube_repeat'}
            WHEN call = 'rejected' THEN {'outcome': 'recollect', 'reason': 'tube_' || reject_reason}
            WHEN call = 'not_detected' AND is_pool AND is_incomplete THEN {'outcome': 'held', 'reason': 'incomplete'}
            WHEN call = 'not_detected' AND is_pool THEN {'outcome': 'not_detected', 'reason': 'pool'}
            WHEN call = 'not_detected' THEN {'outcome': 'not_detected', 'reason': 'single'}
            WHEN call = 'detected' AND NOT is_pool THEN {'outcome': 'detected', 'reason': 'single'}
            WHEN call IN ('detected', 'inconclusive', 'invalid') AND is_kept
                THEN {'outcome': 'retest', 'reason': if(is_pool, 'pool_', 'single_') || call}
            WHEN call IN ('detected', 'inconclusive', 'invalid')
                THEN {'outcome': 'recollect', 'reason': if(is_pool, 'pool_', 'single_') || call}
            ELSE error('decide/verdict: a call without a rule')
        END AS ruling
    FROM member
    JOIN pool_view USING (tube_id)
)
SELECT * EXCLUDE (ruling), ruling.outcome AS ruled, ruling.reason AS reason FROM ruled
