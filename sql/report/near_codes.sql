-- Grain: one result that no manifest names, and one tube without a result whose code is one slip of the hand away: a character other, lacking, too
-- many, or two neighbours swapped. Suggested, never applied: a person looks at both rows. Inputs: tube_book, hold, lab_result, membership.
-- $most: so many results are compared, those that wait longest; $window_days as in report/tube_book.
WITH asked AS (
    SELECT hold_id, tube_code
    FROM hold
    WHERE reason = 'unmatched' AND closed_at IS NULL
    ORDER BY opened_at, tube_code
    LIMIT $most
),
told AS (
    SELECT
        asked.hold_id, asked.tube_code, arg_min(tube_label, tested_at) AS lab_label, arg_min(lab, tested_at) AS lab, min(tested_at) AS tested_at,
        arg_min(receipt_no, tested_at) AS lab_receipt_no, arg_min(row_no, tested_at) AS lab_row_no
    FROM asked
    JOIN lab_result USING (tube_code)
    WHERE status <> 'P'
    GROUP BY ALL
),
-- Left of a place, and what stands right of it.
cut AS (
    SELECT tube_code, left(tube_code, place) AS before, substr(tube_code, place + 1) AS rest
    FROM (SELECT tube_code, unnest(range(length(tube_code) + 1)) AS place FROM asked)
),
character AS (
    SELECT unnest(string_split('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', '')) AS sign
),
near AS (
    SELECT tube_code, before || sign || substr(rest, 2) AS code, 'other_character' AS slip FROM cut, character WHERE rest <> ''
    UNION
    SELECT tube_code, before || sign || rest, 'lacks_a_character' FROM cut, character
    UNION
    SELECT tube_code, before || substr(rest, 2), 'one_character_more' FROM cut WHERE rest <> ''
    UNION
    SELECT tube_code, before || rest[2] || rest[1] || substr(rest, 3), 'two_swapped' FROM cut WHERE length(rest) > 1
),
place AS (
    SELECT tube_id, arg_min(site_code, (receipt_no, row_no)) AS site_code, min(receipt_no) AS team_receipt_no
    FROM membership
    WHERE tube_code IN (SELECT code FROM near)
    GROUP BY tube_id
)
SELECT
    CAST(told.hold_id AS VARCHAR) AS hold_id, near.slip, told.lab_label, told.lab, told.tested_at, told.lab_receipt_no, told.lab_row_no,
    tube_book.tube_label, tube_book.team, place.site_code, tube_book.collected_at, tube_book.people,
    place.team_receipt_no
FROM told
JOIN near USING (tube_code)
JOIN tube_book ON tube_book.tube_code = near.code
JOIN place USING (tube_id)
WHERE tube_book.kind = 'manifest_only'
    AND CAST(tube_book.collected_at AS DATE) <= CAST(told.tested_at AS DATE)
    AND CAST(told.tested_at AS DATE) <= CAST(tube_book.collected_at AS DATE) + CAST($window_days AS INTEGER)
ORDER BY told.hold_id, tube_book.collected_at, tube_book.tube_label
