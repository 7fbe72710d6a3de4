-- reject
-- column: *
-- What the programme requires of a person. One finding a row, naming all the empty columns.
WITH empty AS (
    SELECT
        receipt_no,
        row_no,
        list_filter(
            [
                CASE WHEN full_name = '' THEN 'full_name' END,
                CASE WHEN birth_date = '' THEN 'birth_date' END,
                CASE WHEN sex = '' THEN 'sex' END,
                CASE WHEN phone = '' THEN 'phone' END,
                CASE WHEN citizen_id = '' THEN 'citizen_id' END,
                CASE WHEN address = '' THEN 'address' END,
                CASE WHEN person_code = '' THEN 'person_code' END
            ],
            lambda name: list_contains($required, name)
        ) AS names
    FROM incoming
    WHERE problem = '' AND '' IN (full_name, birth_date, sex, phone, citizen_id, address, person_code)
)
SELECT receipt_no, row_no, array_to_string(names, ', ') AS column_name FROM empty WHERE len(names) > 0
