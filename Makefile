.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(BIN)/uv
NODE := scripts/node
NODE_READY := $(NODE)/node_modules/.ready

.PHONY: help demo test check check-node check-package test-lowest-direct test-highest dist bundle bench fix snap cover clean

help: ## show this list
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "%-32s  %s\n", $$1, $$2 }'

demo: $(READY) ## make pictures on the sandbox through the real server, no account needed
	@$(BIN)/scenario-mcp demo

test: $(READY) ## run the tests
	@$(BIN)/python -m pytest

check: $(READY) ## all that CI holds: format, lint, types, arrows, fresh generated files, tests with coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/snap.py --check
	@$(MAKE) --no-print-directory cover

cover: $(READY) ## run the tests and hold branch coverage of src at 95 %
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95

check-node: $(UV) $(NODE_READY) ## check the server and the bundle with the official tools; needs Node and npm
	@$(BIN)/python scripts/check_node.py

check-package: $(READY) ## build sdist and wheel, run the demo and the tests from the wheel, without the source
	@$(BIN)/python scripts/check_package.py

test-lowest-direct test-highest: test-%: $(UV) ## run the tests on the lowest, or newest, versions that pyproject.toml allows
	@$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)-$*
	@VIRTUAL_ENV=$(VENV)-$* $(UV) pip install --quiet --resolution $* --group dev -e .
	$(VENV)-$*/bin/python -m pytest

dist: $(READY) ## build sdist and wheel into dist
	@$(BIN)/python -m hatchling build

bundle: $(READY) $(NODE_READY) ## make dist/scenario-mcp.mcpb for Claude Desktop; needs Node and npm
	@$(BIN)/python scripts/bundle.py

bench: $(READY) ## measure the server against the SDK's floor, and print the table
	@$(BIN)/python bench/run.py

fix: $(READY) ## format and apply safe lint fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

snap: $(READY) ## write the generated files anew from the models
	$(BIN)/python scripts/snap.py

clean: ## remove the venv and caches
	rm -rf $(VENV) $(VENV)-* $(NODE)/node_modules dist .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, for example: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(UV): scripts/uv-requirements.txt | $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r scripts/uv-requirements.txt
	@touch $@

$(NODE_READY): $(NODE)/package-lock.json
	@command -v npm >/dev/null || { echo "Node and npm are needed for this, and for nothing else."; exit 1; }
	@npm --prefix $(NODE) ci --loglevel=error
	@touch $@
