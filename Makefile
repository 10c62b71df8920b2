# Everything a newcomer needs: make demo, make test, make check, make bench. Each sets up what it needs first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test check format bench lock clean
help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready  ## prepare .venv with everything; quick when nothing changed
	@$(BIN)/python -m server.web.build

.venv/ready: requirements.lock pyproject.toml hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tskaro needs Python 3.11 or later; name one: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	  || { echo "No virtual environment could be made; on Debian: apt install python3-venv"; exit 1; }
	@echo "installing what requirements.lock names into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --use-pep517 --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## the whole system on this machine, with simulated water
	@$(BIN)/tskaro-demo

test: setup  ## every test, against the real services (installed from Debian when missing)
	@deploy/test-packages.sh
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: setup  ## format, lint, types, import contracts, docs, the card and its unit
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q -rs tests/test_docs.py tests/firmware_config/card

format: setup  ## write the code the way `check` wants it
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup  ## measure; nothing here passes or fails
	@deploy/test-packages.sh
	@$(BIN)/python -m benchmarks

lock:  ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --all-extras \
	  --group dev --group page --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header --no-annotate -o requirements.lock

clean:  ## forget what was built and installed
	rm -rf .venv server/web/static/built server/web/frontend/node_modules
