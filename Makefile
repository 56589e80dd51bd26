# Every target makes its own environment in .venv first.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run test slow oracle check format tensorboard figures clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

run: .venv/installed  ## train on tiny Shakespeare, compare the samplers, write the report
	$(BIN)/python experiments/run.py

test: .venv/installed  ## run the tests, but for the slow ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not ray"

slow: .venv/installed  ## run the slow tests: every launcher, a Ray cluster, kills at random
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow or ray"

oracle: .venv-oracle/installed  ## hold the samplers against transformers, in an environment of its own
	.venv-oracle/bin/python tests/samplers/oracle/record.py --check

.venv-oracle/installed:
	$(PYTHON) -m venv .venv-oracle
	.venv-oracle/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch transformers==5.23.0 numpy
	touch $@

check: .venv/installed  ## formatting, lint, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/installed  ## format the code, and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

tensorboard: .venv/installed  ## open the newest run's curves and samples
	$(BIN)/tensorboard --logdir $${NEXTCHAR_OUTPUTS:-outputs}/latest/labml

figures: .venv/installed  ## run the default, and renew the README's table and figure from it
	$(BIN)/python experiments/reproduce.py

clean:  ## remove the environment and caches; results stay
	rm -rf .venv .venv-oracle build *.egg-info src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
