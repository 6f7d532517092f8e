# Two commands for a fresh machine: `make demo` and `make test`. Everything they need goes into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(CURDIR)/$(VENV)/bin
# dbt and its children find the tools of the environment, whatever else is on the path
export PATH := $(BIN):$(PATH)
# a worker per core; the tests of one file stay together, for they share what they build
PYTEST := pytest --numprocesses auto --maxprocesses 4 --dist loadfile

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo docs example test test-slow lint lock clean help

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

docs: $(VENV)/.installed-docs ## build the docs as a site, in site/; a dead link stops it
	mkdocs build --strict

clean: ## remove what builds and tests wrote, but not the environment
	rm -rf target logs dbt_packages serving site warehouse.duckdb warehouse.duckdb.wal retention.html
	cd examples/online_retail && rm -rf target logs dbt_packages serving online_retail.duckdb online_retail.duckdb.wal

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 14)))' \
		|| { echo "Holdfast needs Python 3.11 to 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# pip compares every package with its hash in requirements/, which lists all of them, so it need not resolve any
# (older versions of pip refuse extras in such a file). Our own folder cannot be hashed.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml requirements/report.txt
	$(PIP) --require-hashes --no-deps --requirement requirements/report.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.txt
	$(PIP) --require-hashes --no-deps --requirement requirements/dev.txt
	@touch $@

$(VENV)/.installed-spark: $(VENV)/.installed-dev requirements/spark.txt
	$(PIP) --require-hashes --no-deps --requirement requirements/spark.txt
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed requirements/docs.txt
	$(PIP) --require-hashes --no-deps --requirement requirements/docs.txt
	@touch $@

lock: constraints.txt pyproject.toml ## write requirements/ from the versions in constraints.txt; needs uv
	for extra in report dev spark docs; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
			--custom-compile-command "make lock" --constraint constraints.txt --group build \
			--extra $$extra --output-file requirements/$$extra.txt pyproject.toml || exit 1; \
	done
