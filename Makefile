# Two commands: `make sweep` runs the quickstart, `make test` checks everything. Both set up .venv where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: sweep test test-all test-slow test-faults test-servers test-cluster bench bench-losses bench-step bench-overhead bench-start bench-search bench-sweep bench-race bench-robust bench-together bench-verdicts bench-statistics check-device lint types imports docs findings check clean

sweep: $(READY)
	$(BIN)/python run_sweep.py run search_spaces/quickstart.yaml

test: $(READY) check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-all: test test-servers test-slow test-faults test-cluster

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow --timeout 900 -rs -n 2 --dist loadfile --no-loadscope-reorder

test-faults: $(READY)
	$(BIN)/python -m pytest -m faults -s -rs

test-servers: $(READY)
	$(BIN)/python -m pytest -m servers -rs

test-cluster: $(READY)
	$(BIN)/python -m pytest -m cluster -rs

bench: bench-losses bench-step bench-overhead bench-start bench-search bench-sweep bench-verdicts bench-statistics

bench-losses: $(READY)
	$(BIN)/python tests/benchmarks/losses.py --threads 1

bench-step: $(READY)
	$(BIN)/python tests/benchmarks/step.py

bench-overhead: $(READY)
	$(BIN)/python tests/benchmarks/overhead.py

bench-start: $(READY)
	$(BIN)/python tests/benchmarks/start.py

bench-search: $(READY)
	$(BIN)/python tests/benchmarks/search.py

bench-race: $(READY)
	$(BIN)/python tests/benchmarks/race.py

bench-verdicts: $(READY)
	$(BIN)/python tests/benchmarks/verdicts.py

bench-statistics: $(READY)
	$(BIN)/python tests/benchmarks/sequential.py

bench-sweep: $(READY)
	$(BIN)/python tests/benchmarks/sweep.py --shape search --limit
	$(BIN)/python tests/benchmarks/sweep.py --shape head-to-head
	$(BIN)/python tests/benchmarks/sweep.py --shape digits --epochs 8 --limit

bench-together: $(READY)
	$(BIN)/python tests/benchmarks/together.py --rounds 3

bench-small: $(READY)
	$(BIN)/python tests/benchmarks/small_data.py
	$(BIN)/python tests/benchmarks/small_data.py --pretrained small finetune

bench-robust: $(READY)
	$(BIN)/python tests/benchmarks/robust.py

check-device: $(READY)
	$(BIN)/python tests/device/check.py --out device-check

docs: $(READY)
	$(BIN)/python docs/generate.py

findings: $(READY)
	$(BIN)/python -m docs.findings.collect
	$(BIN)/python -m docs.findings.cost

check: lint types imports

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini

imports: $(READY)
	$(BIN)/lint-imports

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
