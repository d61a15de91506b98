# plume: everything a newcomer needs. `make demo` and `make test` set up what they use.
#
#   make demo [EXPORT=file]   install, then the main job on the embedded defaults, CPU only
#   make test                 install, then the tests that need no GPU (under 30 minutes)
#   make test-long            fuzzing, full simulations, load and stress; run once per issue
#   make lint                 ruff, as CI runs it
#   make recogniser           train the recogniser of names anew (minutes); its weights are part of the repository
#   make weights              learn anew how promises are weighed (seconds); its weights are part of the repository
#   make notebooks            execute the notebooks and keep their outputs (minutes)
#   make constraints          resolve requirements/constraints.txt anew, and hashes.txt with it
#   make audit                known weaknesses of the pinned packages, their licences (needs PyPI itself)
#   make clean                remove what runs left in var/ (the virtual environment stays)

PYTHON ?= python3.11
EXPORT ?= datasets/sample/export.json
BIN    := .venv/bin
# Two processes: nearly every test keeps one core busy. PYTEST_SPREAD= runs them in one.
PYTEST_SPREAD ?= -n 2 --no-loadscope-reorder

# A machine with an NVIDIA GPU gets the official vLLM; any other gets its CPU build.
GPU    := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && echo yes)

COMMA := ,
EMPTY :=
SPACE := $(EMPTY) $(EMPTY)
EXTRAS := train,eval,dev,postgres,$(if $(GPU),serve$(COMMA)qlora,serve-cpu)

# uv does not read pip's find-links (blanks between them; uv wants commas): hand it over. Where there is none, uv picks torch's build for this machine.
ifneq ($(strip $(PIP_FIND_LINKS)),)
export UV_FIND_LINKS ?= $(subst $(SPACE),$(COMMA),$(strip $(PIP_FIND_LINKS)))
TORCH  :=
else ifneq ($(strip $(UV_FIND_LINKS)),)
TORCH  :=
else
TORCH  := --torch-backend $(if $(GPU),auto,cpu)
endif

.PHONY: demo test test-long lint recogniser weights notebooks install constraints audit clean
demo test test-long lint recogniser weights notebooks audit: install

demo:
	$(BIN)/python -m plume.demo "$(EXPORT)"

test:
	$(BIN)/python -m pytest -m "not long and not gpu" $(PYTEST_SPREAD) $(PYTEST_ARGS)

test-long:
	$(BIN)/python -m pytest -m "long and not gpu" $(PYTEST_ARGS)

lint:
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# One thread: how sums are ordered must not depend on the machine's cores.
recogniser:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m plume.pseudonymise.recogniser.training

weights:
	OMP_NUM_THREADS=1 $(BIN)/python -m plume.checks.weighing_training

install: .venv/installed

# Compiled once here: where Python may not write bytecode, every start would spend 15 s of CPU on compiling torch and transformers.
.venv/installed: pyproject.toml requirements/constraints.txt requirements/overrides.txt Makefile
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv==0.13.9
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --compile-bytecode $(TORCH) --constraint requirements/constraints.txt \
	    --override requirements/overrides.txt --editable '.[$(EXTRAS)]'
	touch $@

notebooks:
	OMP_NUM_THREADS=1 $(BIN)/python docs/notebooks.py

constraints: .venv/installed
	$(BIN)/uv pip compile pyproject.toml --extra train --extra qlora --extra eval --extra serve-cpu --extra bench --extra dev $(TORCH) --upgrade \
	    --override requirements/overrides.txt --python-version 3.11 --no-header --no-annotate --quiet \
	    --output-file requirements/constraints.txt
	sed -i 's/^\(torch==[0-9.]*\)+.*/\1/' requirements/constraints.txt
	env -u UV_FIND_LINKS -u PIP_FIND_LINKS $(BIN)/uv pip compile requirements/constraints.txt --no-deps --universal --generate-hashes \
	    --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements/hashes.txt

# Exits with 3 where nobody could be asked. Not in CI: what databases say changes from outside.
audit:
	$(BIN)/python requirements/audit.py

clean:
	rm -rf var
