# schoolfilter. `make run` tries it, `make test` proves it, `make bench` measures it. Nothing needs root.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

.DEFAULT_GOAL := check

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "schoolfilter needs Python 3.11 or newer, found " + sys.version.split()[0] + ": install python3.11 and python3.11-venv, then make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## Make the environment in .venv with the locked versions

run: $(READY) ## Start a filtering resolver on 127.0.0.1:5353 with state under ./var
	$(BIN)/schoolfilter run

tools:
	@sh tests/install-tools.sh

check: $(READY) tools ## Format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --hypothesis-profile=ci

test: check ## Everything that the build server runs

coverage: $(READY) tools ## The tests once more, with what they did not reach: takes half as long again
	$(BIN)/pytest -n auto --cov --cov-report=term

bench: $(READY) ## Measure speed beside unbound and dnsmasq; results in docs/benchmarks.md
	@sh tests/install-tools.sh
	$(BIN)/python -m bench

lock: ## Renew requirements.lock and deploy/requirements.lock from pyproject.toml
	$(BIN)/pip-compile --quiet --all-extras --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-annotate --no-emit-index-url --no-emit-find-links --constraint requirements.lock --output-file deploy/requirements.lock pyproject.toml deploy/requirements.in

clean: ## Remove what was made, but not ./var
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

.PHONY: help setup run tools check test coverage bench lock clean
