# Every command sets up what it needs: a .venv in this folder, made once from any Python >= 3.11.
BIN := .venv/bin
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1
JOBS ?= 2

.PHONY: help demo test lint types check docs bench bench-gateway soak build tiny-model clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 14

.venv/.demo .venv/.dev: .venv/.%: pyproject.toml tools/setup.sh
	@tools/setup.sh $*

demo: .venv/.demo ## talk, see, hear, speak, draw, moderate, embed: real, offline, into demo/
	$(BIN)/breeze demo

test: .venv/.dev ## every test, and branch coverage of contracts and engine
	@rm -f .coverage .coverage.*
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS) \
		--cov=breeze.contracts --cov=breeze.engine --cov-report=
	$(BIN)/python tools/coverage_gate.py breeze/contracts breeze/engine

lint: .venv/.dev ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev ## types, strict, over source and tests
	$(BIN)/mypy

docs: .venv/.dev ## rewrite the generated tables, then run the commands in the documents
	$(BIN)/python tools/docs.py
	$(BIN)/python tools/docs_run.py

check: lint types test ## what has to pass before a change goes in
	$(BIN)/python tools/docs.py --check
	$(BIN)/python tools/docs_run.py

bench: .venv/.dev ## what the engine costs per request and per event
	$(ONE_THREAD) $(BIN)/python bench/overhead.py

bench-gateway: .venv/.dev ## Breeze as a gateway beside nginx and, with PEERS=folder, other gateways
	$(BIN)/python bench/gateway.py --pin $(if $(PEERS),--peers $(PEERS)) --check

soak: .venv/.dev ## half an hour of moderate load with random disconnects: is everything flat?
	$(BIN)/python bench/soak.py

build: .venv/.dev ## the wheel, into dist/, with its contents checked
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-input --disable-pip-version-check --no-deps -w dist .
	$(BIN)/python tools/check_wheel.py dist

tiny-model: ## train the embedded model again (a quarter of an hour, see tools/tiny_model)
	tools/tiny_model/build.sh

clean: ## remove what was made, but not .venv
	rm -rf .venv-clients dist build demo .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests tools -name __pycache__ -type d -exec rm -rf {} +
