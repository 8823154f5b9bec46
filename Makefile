# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
#
# Everything happens in .venv; each step leaves a stamp there, so it runs again only when
# pyproject.toml or constraints.txt changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Python compiles a module when it is first imported; doing so for all of them takes a minute or two.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile
SPEC := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check setup lint types docs bench fuzz clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gammagym needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/core: $(VENV)/made $(SPEC)
	@echo "installing gammagym"
	@$(INSTALL) -c constraints.txt -e .
	@touch $@

$(VENV)/dev: $(VENV)/core
	@echo "installing what tests need"
	@$(INSTALL) -c constraints.txt -e '.[dev]'
	@touch $@

# torch first and by its exact version, or the newest build with gigabytes of CUDA comes down.
$(VENV)/train: $(VENV)/core
	@echo "installing what training needs"
	@$(INSTALL) "$$(grep '^torch==' constraints.txt)"
	@$(INSTALL) -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/ray: $(VENV)/train
	@echo "installing what RLlib needs"
	@$(INSTALL) -c constraints.txt -e '.[ray]'
	@touch $@

$(VENV)/docs: $(VENV)/core
	@echo "installing what the documentation needs"
	@$(INSTALL) -c constraints.txt -e '.[docs]'
	@touch $@

demo: $(VENV)/core ## run a tournament and write an HTML report
	@$(BIN)/gammagym tournament --demo --out results/demo

# Compiled code checks the bounds of every array access here, which it does not otherwise. Files of
# tests are shared out to processes, few of them, since each takes a gigabyte or two.
test: $(VENV)/dev ## run all tests
	@NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

setup: $(VENV)/dev $(VENV)/train $(VENV)/ray $(VENV)/docs ## install everything that tests, docs and training need

# Types of the training code are checked too, so its libraries must be there.
lint: $(VENV)/dev $(VENV)/train ## style, formatting, types, architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright --warnings --pythonpath $(BIN)/python
	@$(BIN)/lint-imports

docs: $(VENV)/docs ## build the documentation into docs/_build
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/core ## print benchmarks, each as a ratio measured in one run
	@$(BIN)/python benchmarks/book.py
	@$(BIN)/python benchmarks/environment.py

fuzz: $(VENV)/dev ## compare the engine with the reference book over millions of messages
	@$(BIN)/python benchmarks/fuzz.py

clean: ## remove everything that was built
	@rm -rf $(VENV) results docs/_build build dist .pytest_cache .ruff_cache .hypothesis
