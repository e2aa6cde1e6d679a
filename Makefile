# Everything a person or CI types. `make help` lists it.
PYTHON ?= python3
VENV   ?= .venv
ONCE   ?=
UV     := .uv/bin/uv
BIN    := $(VENV)/bin
ENGINE := .engines/deepchecks
TOOLS  := .tools
PEERS  := .peers
AUDIT  := .audit
LOCKS  := bootstrap service dev deepchecks tools peers audit
EXPLAINED = $(shell sed -nE 's/^\| `((GHSA|CVE|PYSEC)-[0-9A-Za-z-]+)`.*/--ignore-vuln \1/p' docs/security.md)
PIP    := $(UV) pip install --quiet --python $(BIN)/python
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: help setup setup-dev demo test test-postgres lint bench bench-estimates bench-faults peers fuzz audit-deps docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

$(UV): requirements/bootstrap.txt
	@echo "Setting up uv ..."
	@$(PYTHON) -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(BIN)/python: | $(UV)
	@$(UV) venv --quiet --python $(PYTHON) $(VENV)

$(VENV)/.service: requirements/service.txt pyproject.toml $(UV) | $(BIN)/python
	@echo "Installing the locked environment ..."
	@$(PIP) --require-hashes -r requirements/service.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.service
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(ENGINE)/.installed: requirements/deepchecks.txt | $(UV)
	@echo "Installing deepchecks into an environment of its own ..."
	@$(UV) venv --quiet --clear --python $(PYTHON) $(ENGINE)
	@$(UV) pip install --quiet --python $(ENGINE)/bin/python --require-hashes -r requirements/deepchecks.txt
	@touch $@

$(TOOLS)/.installed: requirements/tools.txt | $(UV)
	@echo "Installing MLflow and DVC for tests into an environment of their own ..."
	@$(UV) venv --quiet --clear --python $(PYTHON) $(TOOLS)
	@$(UV) pip install --quiet --python $(TOOLS)/bin/python --require-hashes -r requirements/tools.txt
	@touch $@

$(PEERS)/.installed: requirements/peers.txt | $(UV)
	@echo "Installing what benchmarks compare with into an environment of its own ..."
	@$(UV) venv --quiet --clear --python $(PYTHON) $(PEERS)
	@$(UV) pip install --quiet --python $(PEERS)/bin/python --require-hashes -r requirements/peers.txt
	@touch $@

$(AUDIT)/.installed: requirements/audit.txt | $(UV)
	@echo "Installing pip-audit into an environment of its own ..."
	@$(UV) venv --quiet --clear --python $(PYTHON) $(AUDIT)
	@$(UV) pip install --quiet --python $(AUDIT)/bin/python --require-hashes -r requirements/audit.txt
	@touch $@

setup: $(VENV)/.service $(ENGINE)/.installed ## install the service's locked environment, and that of its engine
setup-dev: $(VENV)/.dev $(ENGINE)/.installed $(TOOLS)/.installed ## the same, with what tests and linters need

demo: setup ## train, register, audit and gate real models; leaves the service running (ONCE=1: exits)
	@$(BIN)/assay demo $(if $(ONCE),--once)

test: setup-dev ## run the whole test suite
	@$(BIN)/python -m pytest

test-postgres: setup-dev ## the same with every test on PostgreSQL
	@ASSAY_TEST_DATABASE=postgresql $(BIN)/python -m pytest

lint: setup-dev ## linters, types, import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy app checks
	@$(BIN)/lint-imports

bench: setup-dev ## the figures that README and docs quote
	@$(BIN)/python -m benchmarks

bench-faults: setup-dev ## planted faults and healthy twins, short form; FULL=1 as docs/faults.md quotes it
	@$(BIN)/python -m benchmarks.faults $(if $(FULL),--full)

peers: $(PEERS)/.installed ## install what benchmarks.estimates compares with (NannyML)

bench-estimates: setup-dev peers ## estimates without labels: ours beside NannyML's
	@$(BIN)/python -m benchmarks.estimates

fuzz: setup-dev ## 1,000 mutated model files against the reader, 10,000 odd requests against the API
	@$(BIN)/python -m tests.security.fuzz --artifacts 1000
	@$(BIN)/python -m tests.security.api_fuzz --examples 10000

audit-deps: $(AUDIT)/.installed ## hold every lock against known advisories; fails on one that docs/security.md does not explain
	@for lock in $(LOCKS); do \
	  echo "requirements/$$lock.txt"; \
	  $(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes $(EXPLAINED) -r requirements/$$lock.txt || failed=1; \
	done; exit $${failed:-0}

docs: setup ## write again what is generated from the code
	@$(BIN)/python -m docs.generate

lock: $(UV) ## resolve the requirements anew
	@$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(COMPILE) pyproject.toml --extra demo --group build -o requirements/service.txt
	@$(COMPILE) pyproject.toml --extra demo --group build --group dev -c requirements/service.txt -o requirements/dev.txt
	@$(COMPILE) requirements/deepchecks.in -o requirements/deepchecks.txt
	@$(COMPILE) requirements/tools.in -o requirements/tools.txt
	@$(COMPILE) requirements/peers.in -o requirements/peers.txt
	@$(COMPILE) requirements/audit.in -o requirements/audit.txt

clean: ## remove environments and the demo's data
	rm -rf $(VENV) .engines $(TOOLS) $(PEERS) $(AUDIT) .uv .assay-demo
