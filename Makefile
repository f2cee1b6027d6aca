# Two commands are enough on a machine with Python, pip, git and make:
#   make bench    set up, then the paper's tables as a toy run on procedural pictures
#   make test     set up, then the tests

UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
RUN := $(UV) run --frozen --no-sync
# the documentation tools are installed at the first build
DOCS := NO_MKDOCS_2_WARNING=1 $(UV) run --frozen --quiet --group docs mkdocs
# Tests run in parallel processes, which is faster than one process with several threads.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: setup bench test test-long lint docs docs-serve wheel clean

setup: .venv/.synced

.tools/uv/bin/uv:
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .tools/uv uv

.venv/.synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --quiet
	touch $@

bench: setup
	$(RUN) zoo bench --tables all --profile smoke --jobs 2

test: setup
	OMP_NUM_THREADS=1 $(RUN) pytest -q -n $(JOBS) --dist worksteal -m "not long"

# tests that take minutes, such as killing the bench ten times
test-long: setup
	OMP_NUM_THREADS=1 $(RUN) pytest -q -m long

lint: setup
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

# writes the site to site/; broken links and references are errors
docs: setup
	$(DOCS) build --strict --quiet

docs-serve: setup
	$(DOCS) serve

wheel: setup
	$(UV) build --wheel

clean:
	rm -rf .venv .tools dist site
