# Every target first creates the environment in .venv.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run test slow oracle torture audit check format tensorboard figures architecture clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

run: .venv/installed  ## train on tiny Shakespeare, compare the samplers, write the report
	$(BIN)/python experiments/run.py

test: .venv/installed  ## run the tests, except the slow ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not ray"

slow: .venv/installed  ## run the slow tests: every launcher, a Ray cluster, random kills
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow or ray"

oracle: .venv-oracle/installed  ## compare the samplers with those of transformers, in an environment of its own
	.venv-oracle/bin/python tests/samplers/oracle/record.py --check

.venv-oracle/installed:
	$(PYTHON) -m venv .venv-oracle
	.venv-oracle/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch transformers==5.23.0 numpy
	touch $@

torture: .venv/installed  ## try to break it for half an hour, and write docs/reliability.md: kills, damaged files, ...
	cd tests && OMP_NUM_THREADS=1 PYTHONPATH=.:../experiments ../$(BIN)/python -m torture $(or $(TRIALS),--page)

audit:  ## look for known vulnerabilities of the pinned packages (needs the network)
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	.venv-audit/bin/pip-audit --requirement constraints.txt --disable-pip --no-deps

check: .venv/installed  ## check formatting, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/installed  ## format the code, and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

tensorboard: .venv/installed  ## show the curves and samples of the newest run
	$(BIN)/tensorboard --logdir $${NEXTCHAR_OUTPUTS:-outputs}/latest/labml

figures: .venv/installed  ## run the default comparison five times, and update the README's table and figures
	$(BIN)/python experiments/readme.py
	$(BIN)/python experiments/glossary.py

architecture: .venv/installed  ## draw the rooms of the library and their imports
	$(BIN)/python experiments/architecture.py

clean:  ## remove the environments and caches, not the results
	rm -rf .venv .venv-oracle .venv-audit build *.egg-info src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
