-- One row: tubes by where they are known. lab_only: results that no manifest names, of whatever day. Inputs: tube_book, hold.
SELECT
    count(*) FILTER (kind = 'both') AS both,
    count(*) FILTER (kind = 'other_counts') AS other_counts,
    count(*) FILTER (kind = 'manifest_only') AS manifest_only,
    (SELECT count(*) FROM hold WHERE reason = 'unmatched' AND closed_at IS NULL) AS lab_only
FROM tube_book
