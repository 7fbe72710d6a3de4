-- reject
-- column: reject_reason
-- The people are called back and told why: a rejected tube without a reason of the closed list is asked back.
SELECT receipt_no, row_no
FROM incoming
WHERE call = 'rejected' AND status NOT IN ('W', 'X') AND reject_reason NOT IN (
    'leaked', 'broken', 'insufficient', 'unlabelled', 'too_old', 'contaminated', 'wrong_container', 'empty', 'other'
)
