-- reject
-- column: specimen_code
-- In these modes the person's own tube is kept; without its code a retest could not be told whose it is.
WITH pool AS (SELECT receipt_no, tube, day FROM listed_tube WHERE people > 1)
SELECT receipt_no, row_no FROM checked_row SEMI JOIN pool USING (receipt_no, tube, day) WHERE mode IN ('lab', 'double') AND NOT has_specimen_code
