-- reject
-- column: result
-- Only the profile's words are calls: a word cut short or misspelt is asked back, never guessed.
SELECT receipt_no, row_no
FROM incoming
WHERE result <> '' AND status NOT IN ('W', 'X') AND call NOT IN ('detected', 'not_detected', 'inconclusive', 'invalid', 'rejected')
