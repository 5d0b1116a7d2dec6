.DEFAULT_GOAL := help
PYTHON ?= python3
PYTHONS := 3.11 3.12 3.13
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(VERSION)
PARALLEL := -n 4 --dist worksteal
DAILY := $(PARALLEL) -m "not nightly"
UV := $(BIN)/uv
NODE := scripts/node
NODE_READY := $(NODE)/node_modules/.ready
HOSTS_READY := scripts/hosts/node_modules/.ready

# The tests start Python a hundred times, and must not compile everything each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-nightly test-pythons check check-node check-clients check-hosts check-package test-lowest-direct test-highest dist bundle bench fix snap cover clean

help: ## show this list
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "%-32s  %s\n", $$1, $$2 }'

demo: $(READY) ## make pictures on the sandbox through the real server, no account needed
	@$(BIN)/scenario-mcp demo

test: $(READY) ## run the tests
	@$(BIN)/python -m pytest $(DAILY)

test-nightly: $(READY) ## run the slow tests too, and more of those that go by chance
	@TORTURE_RUNS=1000 TORTURE_KILLS=30 $(BIN)/python -m pytest $(PARALLEL) -m "not timing" -o faulthandler_timeout=1200
	@$(BIN)/python -m pytest -m timing

test-pythons: ## run the tests on each Python of PYTHONS that is on the PATH or in pyenv, each in a venv of its own
	@missing=; failed=; for version in $(PYTHONS); do \
		python=; \
		for each in python$$version "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$version.*/bin/python; do \
			[ "$$("$$each" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = $$version ] \
				&& { python=$$each; break; }; \
		done; \
		if [ -z "$$python" ]; then missing="$$missing $$version"; continue; fi; \
		echo "Python $$version: $$python"; \
		$(MAKE) --no-print-directory test PYTHON="$$python" VENV=$(VENV)-$$version || failed="$$failed $$version"; \
	done; \
	[ -z "$$missing" ] || echo "Not installed, and not tried:$$missing"; \
	[ -z "$$failed" ] || { echo "Failed on:$$failed"; exit 1; }

check: $(READY) ## all that CI holds: format, lint, types, arrows, fresh generated files, tests with coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/snap.py --check
	@$(MAKE) --no-print-directory cover

cover: $(READY) ## run the tests and hold branch coverage of src at 95 %
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(DAILY)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95

check-node: $(UV) $(NODE_READY) ## check the server and the bundle with the official tools; needs Node and npm
	@$(BIN)/python scripts/check_node.py

check-clients: $(UV) ## check the server with clients and frameworks of others, each in an environment of its own
	@$(BIN)/python scripts/check_clients.py $(CLIENTS)

check-hosts: $(HOSTS_READY) ## check the server in real hosts, before a model on loopback; needs npm, and Linux on x64
	@$(BIN)/python scripts/check_hosts.py $(HOSTS)

check-package: $(READY) ## build sdist and wheel, run the demo and the tests from the wheel, without the source
	@$(BIN)/python scripts/check_package.py

test-lowest-direct test-highest: test-%: $(UV) ## run the tests on the lowest, or newest, versions that pyproject.toml allows
	@$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)-$*
	@VIRTUAL_ENV=$(VENV)-$* $(UV) pip install --quiet --resolution $* --group dev -e .
	$(VENV)-$*/bin/python -m pytest $(DAILY)

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
	rm -rf $(VENV) $(VENV)-* $(NODE)/node_modules scripts/hosts/node_modules dist .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, for example: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(UV): scripts/uv-requirements.txt $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r scripts/uv-requirements.txt
	@touch $@

$(NODE_READY): $(NODE)/package-lock.json
	@command -v npm >/dev/null || { echo "Node and npm are needed for this, and for nothing else."; exit 1; }
	@npm --prefix $(NODE) ci --loglevel=error
	@touch $@

$(HOSTS_READY): scripts/hosts/package-lock.json | $(READY)
	@command -v npm >/dev/null || { echo "npm is needed for this."; exit 1; }
	@npm --prefix scripts/hosts ci --ignore-scripts --loglevel=error
	@touch $@
