# `make help` lists what there is. All it needs is Python 3.11 or newer; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Extra words for pytest: make test ARGS="-k resend"
ARGS ?=

# Installing is exact: wheels only, each checked against its hash, and nothing looks for what else there may be. That a
# file in requirements/ has all that its distributions need is tested, not looked up: tests/test_requirements.py.
PIP_INSTALL := -m pip install --quiet --quiet --no-input --disable-pip-version-check --no-deps
PIP_EXACT := $(PIP_INSTALL) --require-hashes --only-binary :all: --requirement
NPM_EXACT := npm ci --ignore-scripts --no-fund --no-audit --loglevel=error

# Side by side, two for each of two cores, since many wait for servers. The tests of one file stay together.
PYTEST := $(BIN)/python -m pytest
# What needs no server, no socket and no second thought.
FAST := tests/verification tests/languages tests/web tests/commands tests/test_config.py tests/test_documents.py tests/test_requirements.py \
	tests/test_mutants.py
SIDE_BY_SIDE := --numprocesses=4 --dist=loadfile

# A virtual environment holds its own address. One that was moved, or whose Python is gone, is made anew.
$(shell test -e $(BIN)/python && test "$$(cat $(VENV)/ready 2>&1)" = "$(CURDIR)" || rm -f $(VENV)/ready)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test browser check screens weight languages docs examples contract prism attack faults field bench isolation mutants pins clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s  %s\n", $$1, $$2 }' Makefile

run: $(VENV)/run ## serve the demo on http://127.0.0.1:8000; PORT and WORKERS change where and how
	@exec $(BIN)/textproof run

test: $(VENV)/test ## pass the whole suite, on a real store; ARGS are for pytest
	@$(PYTEST) $(SIDE_BY_SIDE) --ignore=tests/browser $(ARGS)

browser: $(VENV)/browser chromium ## try the pages in a real Chromium
	@$(PYTEST) $(SIDE_BY_SIDE) tests/browser $(ARGS)

check: $(VENV)/test ## format, lint, types, layers, fast tests: is it fine to commit?
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) $(SIDE_BY_SIDE) -q --hypothesis-profile=quick -m "not slow" $(FAST) $(ARGS)

screens: $(VENV)/browser chromium ## take pictures of every page and state, for docs/screens
	@$(BIN)/python -m bench.pages screens $(ARGS)

contract: $(VENV)/test ## hold the API against its contract with 10,000 requests, and against 5,000 that break HTTP
	@CONTRACT_CASES=$${CONTRACT_CASES:-10000} RAW_CASES=$${RAW_CASES:-5000} $(PYTEST) -s tests/api/contract tests/api/test_raw_http.py $(ARGS)

examples: $(VENV)/examples ## run every example against three replicas; needs Node and HAProxy, and Apache with mod_auth_openidc for one
	@EXAMPLES=1 PYTHONPATH=$(VENV)/examples $(PYTEST) tests/api/test_examples.py tests/api/test_libraries.py $(ARGS)

weight: $(VENV)/browser chromium ## print what the pages cost: bytes, requests, movement, blocked time
	@$(BIN)/python -m bench.pages

languages: $(VENV)/test ## put the words of the code and the templates into every catalogue, and compile them
	@$(BIN)/pybabel --quiet extract --mapping pyproject.toml --keyword marked --no-location --sort-output \
		--add-comments Translators: --output-file $(VENV)/textproof.pot .
	@$(BIN)/pybabel --quiet update --domain textproof --input-file $(VENV)/textproof.pot --output-dir service/languages \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 120
	@$(BIN)/pybabel compile --domain textproof --directory service/languages --statistics

docs: $(VENV)/test ## write what is made of the settings and the limits: config.cfg.example, tables in docs/ and the README
	@$(BIN)/python -m bench.settings

prism: $(VENV)/test ## hold our requests to Telnyx against its own contract; needs Node
	@PRISM=1 $(PYTEST) tests/stack/test_prism.py $(ARGS)

attack: $(VENV)/test ## replay pumping, guessing, bombing and lock-outs, with and without the limits
	@$(BIN)/python -m bench.attack $(ARGS)

faults: $(VENV)/test ## break replicas, Redis, Telnyx and clocks under load, and print what is left; needs HAProxy; ARGS: full, or rows
	@$(BIN)/python -m bench.faults $(ARGS)

field: $(VENV)/test ## try what was met in the field on a service, and print input and answer; ARGS: rows
	@$(BIN)/python -m bench.field $(ARGS)

bench: $(VENV)/test ## measure speed and memory beside bare Flask, into docs/performance.md; ARGS: quick, or rows
	@$(BIN)/python -m bench.performance $(ARGS)

mutants: $(VENV)/test ## change the product in 60 places, and print what the fast tests do not notice; ARGS: --sample 500 --only lua
	@$(BIN)/python -m bench.mutants $(ARGS)

isolation: $(VENV)/test ## what checks lose while Telnyx hangs, beside a service that sends inside the request
	@$(BIN)/python -m bench.isolation $(ARGS)

pins: $(VENV)/pins ## write requirements/ anew from pyproject.toml; UPGRADE=--upgrade takes newer versions
	@echo "Writing requirements/ ..."
	@$(COMPILE) $(SERVICE) --output-file requirements/run.txt
	@$(COMPILE) $(SERVICE) --extra test --extra dev --constraint requirements/run.txt --output-file requirements/test.txt
	@$(COMPILE) $(SERVICE) --extra test --extra dev --extra browser --constraint requirements/test.txt \
		--output-file requirements/browser.txt
	@$(COMPILE) --group pyproject.toml:examples --constraint requirements/test.txt --output-file requirements/examples.txt
	@$(COMPILE) --group pyproject.toml:pins --output-file requirements/pins.txt
	@$(COMPILE) --group pyproject.toml:oldest-pip --output-file requirements/oldest-pip.txt
	@$(VENV)/uv/bin/python requirements/describe.py

clean: ## remove .venv and everything that can be made again
	@rm -rf $(VENV) .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------ behind the scenes

# What the pins look like: good for every platform, with hashes, and without the name of any host.
UPGRADE ?=
COMPILE = $(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --only-binary :all: \
	--generate-hashes --no-header --no-annotate $(UPGRADE)
SERVICE := pyproject.toml --extra demo --group pyproject.toml:build

# Each of these files in .venv says that its part is in place, and is older than what it was made from when
# that has changed. The bigger set holds the smaller, so `make run` after `make test` installs nothing.
# With other pins all of it is made anew: a distribution that nothing needs any more would stay, and not fit the rest.
$(VENV)/ready: $(wildcard requirements/*.txt)
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Please install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Textproof needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "If there is a newer one, name it: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments yet." >&2; \
		echo "On Debian and Ubuntu this helps: apt install python3-venv" >&2; exit 1; }
	@echo "Setting up .venv (the first time takes about half a minute) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@printf '%s\n' "$(CURDIR)" > $@

# The service itself is built by flit_core, which is among the pins.
INSTALL = $(BIN)/python $(PIP_EXACT) $< \
	&& $(BIN)/python $(PIP_INSTALL) --no-build-isolation --editable . \
	&& $(CHECK)
CHECK = { found=$$($(BIN)/python -m pip check --disable-pip-version-check) || { echo "$$found" >&2; exit 1; }; }

$(VENV)/run: requirements/run.txt pyproject.toml $(VENV)/ready
	@echo "Installing what the service needs ..."
	@$(INSTALL)
	@touch $@

$(VENV)/test: requirements/test.txt pyproject.toml $(VENV)/ready
	@echo "Installing what the service and its tests need ..."
	@$(INSTALL)
	@touch $(VENV)/run $@

$(VENV)/browser: requirements/browser.txt pyproject.toml $(VENV)/ready
	@echo "Installing what the service, its tests and the browser tests need ..."
	@$(INSTALL)
	@touch $(VENV)/run $(VENV)/test $@

# What the examples need, beside the service and not in it.
$(VENV)/examples: requirements/examples.txt examples/express/package-lock.json $(VENV)/test
	@echo "Installing what the examples need ..."
	@rm -rf $@
	@$(BIN)/python $(PIP_EXACT) $< --target $@
	@PYTHONPATH=$@ && export PYTHONPATH && $(CHECK)
	@$(NPM_EXACT) --prefix examples/express >/dev/null
	@touch $@

$(VENV)/pins: requirements/pins.txt $(VENV)/ready
	@echo "Installing uv, which only writes the pins ..."
	@$(BIN)/python -m venv --clear $(VENV)/uv
	@$(VENV)/uv/bin/python $(PIP_EXACT) $<
	@touch $@

# Chromium from the PATH; else Debian's package, when we may install it; else the one Playwright brings.
.PHONY: chromium
chromium: $(VENV)/browser
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium with apt-get ..."; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium >/dev/null && exit 0; \
	fi; \
	echo "Fetching Playwright's Chromium, unless it is here already ..."; \
	$(BIN)/playwright install chromium
