# Two commands for a fresh machine: `make demo` and `make test`. Everything they need goes into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(CURDIR)/$(VENV)/bin
# dbt and its children find the tools of the environment, whatever else is on the path
export PATH := $(BIN):$(PATH)
# a worker per core; the tests of one file stay together, for they share what they build
PYTEST := pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: demo example test test-slow lint benchmark clean help

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(VENV)/.installed ## build the demo shop and show which customers to keep
	dbt build
	holdfast summary
	holdfast report

example: $(VENV)/.installed ## build the example on real invoices (UCI Online Retail II)
	cd examples/online_retail && dbt deps && dbt build && holdfast summary

test: $(VENV)/.installed-dev ## run the tests, those of dbt and the examples in docstrings among them; a few minutes
	$(PYTEST) -m "not slow"
	pytest --doctest-modules python/holdfast

test-slow: $(VENV)/.installed-spark ## run the tests that build whole projects again and again
	$(PYTEST) -m slow

lint: $(VENV)/.installed-dev ## check style, types and which package imports which
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-cache
	sqlfluff lint --disable-progress-bar models
	sqlfluff lint --disable-progress-bar --templater jinja examples/online_retail/models

clean: ## remove what builds and tests wrote, but not the environment
	rm -rf target logs dbt_packages serving warehouse.duckdb warehouse.duckdb.wal retention.html
	cd examples/online_retail && rm -rf target logs dbt_packages serving online_retail.duckdb online_retail.duckdb.wal

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 14)))' \
		|| { echo "Holdfast needs Python 3.11 to 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[report]'
	@touch $@

$(VENV)/.installed-spark: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[spark]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
