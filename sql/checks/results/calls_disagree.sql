-- reject
-- column: problem
-- Replicates disagree, a Ct is no number, or the instrument's own word says something else than its cycles. Found by the reader.
SELECT receipt_no, row_no FROM incoming WHERE problem = 'calls_disagree'
