# Every target sets up what it needs in .venv; a machine needs python3.11 (or newer), pip and make.
PYTHON ?= python3
LAB ?= 02
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test lab notebooks lint lock colab-check benchmarks clean

run: $(READY)  ## execute the worked lab (LAB=02) and show its figures
	@$(BIN)/dlcourse run $(LAB) --solution --output build

test: $(READY)  ## every test: package, notebooks, rules
	@$(BIN)/python -m pytest -n 2 --dist loadscope --nbval --nbval-cell-timeout 120 $(PYTEST)

lab: $(READY)  ## JupyterLab on the labs
	@$(BIN)/jupyter lab --ServerApp.root_dir=labs

notebooks: $(READY)  ## build labs/ and solutions/ notebooks from solutions/*.py
	@$(BIN)/python tools/build_notebooks.py $(ARGS)
	@$(BIN)/python tools/build_readme.py

lint: $(READY)  ## style, import rules, notebooks in step
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/python tools/build_notebooks.py --check
	@$(BIN)/python tools/build_readme.py --check

lock: $(READY)  ## resolve the dependencies again
	@.boot/bin/uv lock --upgrade
	@$(BIN)/python tools/record_versions.py

colab-check: $(READY)  ## run every lab as Colab would, with Colab's versions
	@$(BIN)/python tools/colab_check.py $(ARGS)

benchmarks: $(READY)  ## side-by-side measurements
	@$(BIN)/python benchmarks/mlp.py
	@$(BIN)/python benchmarks/approximation.py

clean:
	rm -rf build .colab

$(READY): uv.lock pyproject.toml | .boot/bin/uv
	@.boot/bin/uv sync --locked --all-extras
	@touch $@

.boot/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dlcourse needs Python 3.11 or newer, this is " + sys.version)'
	@$(PYTHON) -m venv .boot
	@.boot/bin/python -m pip install --quiet --disable-pip-version-check uv
