-- Grain: one touched tube, seen through what its members' own tests say. Inputs: member. Readers: decide/verdict.
-- has_open: somebody's own test may still come; until then nobody knows whether the pool was right.
CREATE OR REPLACE TEMP TABLE pool_view AS
SELECT
    tube_id,
    bool_or(own = 'detected') AS has_positive,
    bool_or(is_kept AND own IN ('none', 'repeat') AND NOT is_past_limit) AS has_open,
    bool_or(is_pool AND call = 'not_detected' AND is_contradicting) AS is_contradicted
FROM member
GROUP BY tube_id
