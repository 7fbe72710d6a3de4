-- Grain: one wording of the result page (state, result, basis, whether it corrects), and how many read it. As the ledger's cards must say.
SELECT
    person_state,
    CASE WHEN person_state = 'ready' THEN outcome END AS result,
    basis,
    person_state = 'ready' AND results > 1 AS is_corrected,
    count(*) AS people
FROM outcome
GROUP BY ALL
