# copydesk: `make demo` and `make test` do everything on a fresh machine with git, make and
# Python 3.11 or later. PYTHON=python3.13 make test picks another interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

# A checkout without symlinks (git config core.symlinks=false) cannot be installed editable; it
# can run the demo and be built, but not be tested.
EDITABLE := $(if $(wildcard src/copydesk/agent/.),-e,)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help venv demo test lint wheel clean bench bench-gate bench-sandbox equal bench-coverage \
	bench-drafts bench-unseen bench-foreign bench-model bench-hooks bench-replays \
	bench-suite bench-map bench-whole-job bench-stories bench-behaviour bench-behaviour-history test-versions
.DEFAULT_GOAL := help

help:
	@echo "make demo    install into $(VENV) and show copydesk at work in a sample repository"
	@echo "make test    install into $(VENV), lint, and run the quick suite with its coverage gate"
	@echo "make lint    ruff and mypy alone"
	@echo "make wheel   build wheel and sdist into dist/"
	@echo "make bench-coverage PROJECT=clone FUNCTION=path:name PYTHON_OF_PROJECT=python"
	@echo "             what measuring that project costs, added to docs/benchmarks.md"
	@echo "make bench-sandbox  what the sandbox adds to pytest, and whether its limits hold"
	@echo "make bench-gate   what the gate's hook costs, and --data beside diff-cover where that is installed"
	@echo "make equal PROJECT=clone RANGE=A..B PYTHON_OF_PROJECT=python"
	@echo "             the gate's verdicts on that history, line for line against diff-cover's"
	@echo "make bench-drafts drafted tests on real packages beside Pynguin and the Hypothesis ghostwriter;"
	@echo "             DRAFTS=folder keeps what was made, BENCH_OPTIONS='--packages toolz --most 5'"
	@echo "make bench-unseen HALF=open  drafted tests of functions drawn from packages nobody tuned on"
	@echo "make bench-foreign OTHER_PYTHON=python3.13  kept drafts as another user, in another locale, order,"
	@echo "             folder, Python and under xdist; DRAFTS and BENCH_OPTIONS as above, '--other python3.12' too"
	@echo "make bench-replays PROJECT=clone RANGE=A..B PYTHON_OF_PROJECT=python TESTMON=python"
	@echo "             real history, against full runs and pytest-testmon, added there too"
	@echo "make bench-map PROJECT=clone RANGE=A..B PYTHON_OF_PROJECT=python"
	@echo "             two clones that share maps measure those commits in turn; then 10 minutes of damaged maps"
	@echo "make bench-suite PYTHON_OF_PROJECT=python  a measure in a made-up suite of 20,000 tests"
	@echo "make bench-whole-job  what the daemon does after a commit of 1,000 to 30,000 functions, and how long"
	@echo "             it holds the desk's lock"
	@echo "make bench-model  how many of a model's failing answers are kept without asking again"
	@echo "make bench-stories CLONES=folder  what the checker notices in altered stories"
	@echo "make bench-hooks  what a commit pays, how soon it is seen, what the daemon costs at rest"
	@echo "make test-extras  the predictor's tests with CatBoost and Streamlit, in $(VENV)-extras"
	@echo "make test-versions  measures with every supported Python, pytest and coverage.py"
	@echo "make bench-predictor CLONES=\"click flask ...\"  how well changed functions are ranked"
	@echo "make clean   remove what was built, $(VENV) included"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "copydesk needs Python 3.11 or later; try: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	@echo "== making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed-demo: $(BIN)/python pyproject.toml
	@echo "== installing copydesk and what the demo needs"
	@$(PIP) $(EDITABLE) '.[demo]'
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml
	@test -n "$(EDITABLE)" || { echo "the tests need src/copydesk's symbolic links:" \
		"git config core.symlinks true && rm -r src && git checkout -- src"; exit 1; }
	@echo "== installing copydesk and what its tests need"
	@$(PIP) $(EDITABLE) '.[dev]'
	@touch $@ $(VENV)/.installed-demo

venv: $(VENV)/.installed-dev

demo: $(VENV)/.installed-demo
	@$(BIN)/copydesk demo

test: $(VENV)/.installed-dev lint
	@echo "== tests"
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m compileall -q agent hooks predictor  # hundreds of processes import them
	@$(BIN)/python -m pytest -n $(JOBS) -m "not slow and not real_model" --cov --cov-config=pyproject.toml

lint: $(VENV)/.installed-dev
	@echo "== ruff"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "to format: $(BIN)/ruff format"; exit 1; }
	@echo "== mypy"
	@$(BIN)/mypy

wheel: $(VENV)/.installed-dev
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist .

bench-coverage: $(VENV)/.installed-dev
	@$(BIN)/python bench/measuring.py $(PROJECT) $(FUNCTION) --python $(PYTHON_OF_PROJECT) $(BENCH_OPTIONS)

bench-sandbox: $(VENV)/.installed-dev
	@$(BIN)/python bench/sandbox.py

bench-gate: $(VENV)/.installed-dev
	@$(BIN)/python bench/gate.py

equal: $(VENV)/.installed-dev
	@$(BIN)/python bench/equal.py $(PROJECT) $(RANGE) --python $(PYTHON_OF_PROJECT)

DRAFTS ?= $(or $(TMPDIR),/tmp)/copydesk-drafts
bench-drafts: $(VENV)/.installed-dev
	@$(BIN)/python bench/drafts.py --scratch $(DRAFTS) $(BENCH_OPTIONS)

bench-unseen: $(VENV)/.installed-dev
	@$(BIN)/python bench/unseen.py --half $(or $(HALF),open) --scratch $(DRAFTS)-unseen $(BENCH_OPTIONS)

bench-foreign: $(VENV)/.installed-dev
	@$(BIN)/python bench/foreign.py --scratch $(DRAFTS)-foreign \
		$(if $(OTHER_PYTHON),--other $(OTHER_PYTHON),) $(BENCH_OPTIONS)

# those that need no project of yours
bench: bench-gate bench-model bench-sandbox bench-hooks

bench-hooks: $(VENV)/.installed-dev
	@$(BIN)/python bench/hooks.py $(BENCH_OPTIONS)

bench-replays: $(VENV)/.installed-dev
	@$(BIN)/python bench/replays.py --results .bench $(PROJECT) $(RANGE) --table \
		--python $(PYTHON_OF_PROJECT) $(if $(TESTMON),--testmon $(TESTMON),) $(BENCH_OPTIONS)

bench-map: $(VENV)/.installed-dev
	@$(BIN)/python bench/map.py $(PROJECT) $(RANGE) --python $(PYTHON_OF_PROJECT) $(BENCH_OPTIONS)
	@$(BIN)/python bench/fuzz_map.py

bench-suite: $(VENV)/.installed-dev
	@$(BIN)/python bench/suite.py $(if $(PYTHON_OF_PROJECT),--python $(PYTHON_OF_PROJECT),) $(BENCH_OPTIONS)

# CLONES: a folder with clones of the six repositories that bench/stories.py names
bench-stories: $(VENV)/.installed-dev
	@$(BIN)/python bench/stories.py altered $(CLONES) --examples
	@$(BIN)/python bench/stories.py true $(CLONES)

bench-behaviour: $(VENV)/.installed-dev
	@$(BIN)/python bench/behaviour.py $(BENCH_OPTIONS)

bench-behaviour-history: $(VENV)/.installed-dev
	@$(BIN)/python bench/behaviour_history.py $(CLONES) $(BENCH_OPTIONS)

bench-whole-job: $(VENV)/.installed-dev
	@$(BIN)/python bench/whole_job.py $(BENCH_OPTIONS)

bench-model: $(VENV)/.installed-dev
	@$(BIN)/python bench/model_answers.py

test-versions: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -q -n $(JOBS) -m "slow or not slow" tests/agent/coverage/runner/test_versions.py

# An environment of its own: with pandas in it, sqlite-utils takes half a second to import.
.PHONY: test-extras bench-predictor
$(VENV)-extras/.installed: pyproject.toml
	@$(PYTHON) -m venv $(VENV)-extras
	@echo "== installing copydesk with the predictor's extras into $(VENV)-extras"
	@$(VENV)-extras/bin/python -m pip install --quiet --disable-pip-version-check \
		$(EDITABLE) '.[dev,predictor,app,market]'
	@touch $@

test-extras: $(VENV)-extras/.installed
	@rm -f .coverage.extras
	@COVERAGE_FILE=.coverage.extras $(VENV)-extras/bin/python -m pytest -q -n $(JOBS) \
		tests/predictor --cov --cov-config=pyproject.toml --cov-report= --cov-fail-under=0
	@COVERAGE_FILE=.coverage.extras $(VENV)-extras/bin/python -m coverage report --fail-under=95 \
		--include='predictor/*'

bench-predictor: $(VENV)-extras/.installed
	@$(VENV)-extras/bin/python bench/predictor.py $(CLONES)

clean:
	rm -rf $(VENV) $(VENV)-extras dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
