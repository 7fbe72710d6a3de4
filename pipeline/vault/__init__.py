"""The only place that sees identity at rest: keys, and who a specimen's person is."""
