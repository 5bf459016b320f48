# Everything is done through .venv, which `make setup` builds with nothing but python3.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ORDERS ?= 5000
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup demo test check serve bench bench-peers mutation torture soak flake spec examples browser clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 13

setup: $(STAMP)  ## build .venv with pinned versions (once, and again when they change)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned packages into $(VENV) (a minute or two, once)"
	@PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install -qq --disable-pip-version-check \
		--editable '.[gateway,conformance,channels,chain,test,dev]'
	@touch $@

demo: setup  ## sell virtual goods, replay real orders, certify both sides (ORDERS=5000)
	@$(BIN)/python demo/run.py --orders $(ORDERS)

test: setup  ## the whole test suite
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: setup  ## lint, format, strict types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --cache-dir .mypy_cache/examples examples/gateway-aiohttp/gateway.py
	$(BIN)/lint-imports

serve: setup  ## leave the gateway and the web shop running, to click around in
	@$(BIN)/python demo/serve.py

mutation: setup  ## who judges the judges: every wrong implementation, and what the suite says (ARGS="--role channel")
	@$(BIN)/python -m conformance.mutation --commit $(ARGS)

bench: setup  ## orders, reads and all that buyers can do, as ratios to pgbench and a bare application (QUICK=1)
	@$(BIN)/python -W ignore benchmarks/run.py $(if $(QUICK),--quick)
	@$(BIN)/python -W ignore -m benchmarks.buyers $(if $(QUICK),--quick)

bench-peers: setup  ## the same hot sale on Vendure, from npm, and what it sold (needs Node.js; ARGS="--rounds 1")
	@$(BIN)/python -W ignore benchmarks/peers/run.py $(ARGS)

torture: setup  ## the proof at length: crashes, outages, overload, any interleaving (ARGS="--kills 20 --only killed")
	@$(BIN)/python -m tests.torture.run $(ARGS)

soak: setup  ## trade for ten minutes and look at the gateway's memory (ARGS="--minutes 2")
	@$(BIN)/python -m tests.torture.soak $(ARGS)

flake: setup  ## certify the mini implementations 20 times over: the same verdicts each time (ARGS="--burn")
	@$(BIN)/python -W ignore -m tests.conformance.flake $(ARGS)

spec: setup  ## derive the bundled and code-generation documents
	@$(BIN)/python -m spec.build

examples: setup  ## record what passes and what fails of each requirement, and make docs/requirements (two minutes)
	@$(BIN)/python -m conformance.exchanges
	@$(BIN)/vgcp requirements page --out docs/requirements

browser:  ## install Chromium for the browser test (Debian or Ubuntu, as root)
	@bash .ci/browser

clean:  ## remove .venv and everything built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
