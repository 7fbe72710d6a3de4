"""Mutants (P13): small wrong changes to the rules, the decisions and the outbox, each of which a test must notice. `make mutants`."""
