-- reject
-- column: status
-- HL7 table 0085. An empty status is unknown too: a profile whose lab sends none declares it as a constant.
SELECT receipt_no, row_no FROM incoming WHERE status NOT IN ('P', 'F', 'C', 'W', 'X') AND problem = ''
