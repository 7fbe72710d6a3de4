-- Inputs: list_after. The one place that writes a list item.
INSERT INTO list_item BY NAME SELECT * FROM list_after
