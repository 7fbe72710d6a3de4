-- Grain: one new specimen and who gave it: for the vault alone. Inputs: typed, fate, incoming. Reader: stages/intake, which seals it.
SELECT
    CAST(typed.specimen_id AS VARCHAR) AS specimen_id,
    incoming.full_name,
    incoming.birth_date,
    incoming.sex,
    incoming.phone,
    incoming.citizen_id,
    incoming.address,
    incoming.person_code
FROM typed
JOIN fate USING (receipt_no, row_no)
JOIN incoming USING (receipt_no, row_no)
WHERE fate.fate = 'accepted'
ORDER BY typed.specimen_id
