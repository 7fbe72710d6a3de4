-- Grain: one state that people read, and how many read it.
SELECT person_state, count(*) AS people FROM outcome GROUP BY person_state
