# Two commands for a newcomer: `make demo` and `make test`. Everything else is a convenience.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo up down test test-web test-files quick lint strace browser reliability mutants longer sends bindings restore-drill bench bench-day simulate clean
.DEFAULT_GOAL := demo

# The environment is made anew when a pin changes. Byte code is compiled once here: every Airflow task is a new process.
$(VENV)/.ready: constraints.txt pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet "$$(grep '^uv==' constraints.txt)"
	@echo "Installing the pinned dependencies ..."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --requirements constraints.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(VENV)/.ready ## the whole way once, on Airflow, with the sample files
	@$(BIN)/unpool demo

up: $(VENV)/.ready ## start everything and leave it running
	@$(BIN)/unpool up

down: $(VENV)/.ready ## stop what `make up` started
	@$(BIN)/unpool down

test: $(VENV)/.ready lint strace browser ## everything that CI runs
	@tests/in_memory $(BIN)/python -m pytest -n 2 --dist loadfile --record=build/reliability.json

quick: $(VENV)/.ready ## the tests that need no Airflow
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-web: $(VENV)/.ready browser ## the web pages alone
	@$(BIN)/python -m pytest tests/web

test-files: $(VENV)/.ready ## files as they really come, alone
	@$(BIN)/python -m pytest tests/files

# With it the fault tests let single calls of the system fail. Where it is missing and cannot be installed, they are skipped and say so.
strace:
	@command -v strace >/dev/null || { apt-get update -qq && apt-get install -y -qq strace; } >/dev/null 2>&1 || true

# With it the pages are tried in a real browser; their pictures lie in build/screens. Where it is missing, those tests are skipped and say so.
browser:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 || true

lint: $(VENV)/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

reliability: test ## all that CI runs; what the fault tests found then goes into docs/reliability
	@$(BIN)/python -m tests.faults.report

mutants: $(VENV)/.ready ## every small wrong change to the rules, judged by the tests: about half an hour; docs/mutants.json
	@$(BIN)/python -m tests.faults.mutants.run --workers 2

longer: $(VENV)/.ready ## 10,000 told since a backup, fifty deaths of Airflow's scheduler: about half an hour; docs/longer.json
	@$(BIN)/python -m tests.faults.longer

sends: $(VENV)/.ready ## 100,000 messages to a Twilio that fails a third of the time: about ten minutes; docs/long_sends.json
	@$(BIN)/python -m tests.faults.long

bindings: $(VENV)/.ready ## ten million people's outcomes against the rules in plain Python: about half an hour; docs/long_bindings.json
	@$(BIN)/python -m tests.faults.bindings --jobs 2

restore-drill: $(VENV)/.ready ## a million people backed up and restored on an empty machine; docs/long_restore.json
	@$(BIN)/python -m tests.faults.long_restore

bench: $(VENV)/.ready ## ratios to a floor measured in the same run
	@$(BIN)/python -m tests.bench.bench

bench-day: $(VENV)/.ready ## the whole national day, 26 million people: about half an hour, 40 GB of disk
	@$(BIN)/python -m tests.bench.day

# Seeded episodes of a whole installation under any mix of faults. A finding prints the command that plays it again.
EPISODES ?= 200
SEED ?= 0
JOBS ?= 1
simulate: $(VENV)/.ready ## EPISODES=n from SEED=s on, JOBS=j at a time; RECORD=1: the largest without a finding goes into docs
	@$(BIN)/python -m tests.faults.sim --episodes $(EPISODES) --seed $(SEED) --jobs $(JOBS) $(if $(RECORD),--record)

clean: down
	@rm -rf $(VENV) var build
