# The few commands of the project; each sets up what it needs first. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo run test check faults bench separate browser docs lock clean

PY := .venv/bin/python
BASE_PYTHON := python3.11
PACKAGES := advisory config facility reporting webinars
# Named by the lock's content: a checkout changes times, not content.
INSTALLED := .venv/installed-$(shell sha256sum < requirements-dev.txt | cut -c1-16)
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(INSTALLED) $(MESSAGES) ## environment in .venv/, assets, translations, static files
	@$(PY) -m config.assets
	@$(PY) manage.py collectstatic --noinput --verbosity 0

$(INSTALLED): requirements-dev.txt
	@command -v $(BASE_PYTHON) >/dev/null || { echo "Python 3.11 is missing. On Debian: apt-get install python3.11 python3.11-venv" >&2; exit 1; }
	@$(BASE_PYTHON) -c "import ensurepip, venv" 2>/dev/null || { echo "Python's venv module is missing. On Debian: apt-get install python3.11-venv" >&2; exit 1; }
	@echo "Setting up .venv/ (once; about two minutes)"
	@test -x $(PY) || $(BASE_PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-input --root-user-action ignore --require-hashes -r requirements-dev.txt
	@rm -f .venv/installed-*
	@touch $@

# By Babel, so that nobody needs the gettext tools.
%.mo: %.po $(INSTALLED)
	@.venv/bin/pybabel --quiet compile --input-file $< --output-file $@

demo: setup ## load the demo Facility of 2021 and drive it to its published final report
	@mkdir -p .local/demo; LOG_LEVEL=$${LOG_LEVEL:-WARNING} DEMO_CLOCK=$(CURDIR)/.local/demo/clock $(PY) manage.py demo

run: demo ## serve the workspace on 127.0.0.1:$PORT (8000) until Ctrl-C
	@$(PY) -m config.process

test: setup ## the whole test suite
	@$(PY) -m pytest --numprocesses 2 --dist loadfile --ignore tests/browser --ignore tests/faults

faults: setup ## the tests that break something on purpose, with a table of figures (QUICK=1 runs a tenth)
	@$(PY) -m pytest --quiet tests/faults

bench: setup ## what pages, steps and files cost, with a table of figures (SIZES="25 2500 25000" for other sizes)
	@$(PY) -m bench $(SIZES)

separate: setup ## the suite and the demo on servers of their own: TCP, passwords, everything flushed to disk
	@if ! command -v redis-server >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Redis"; apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends redis-server >/dev/null; \
	fi
	@$(PY) -m config.separate $(MAKE) test
	@$(PY) -m config.separate $(MAKE) demo

browser: setup ## the tests in a real browser
	@if ! command -v chromium >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium"; apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium >/dev/null; \
	  else \
	    echo "Chromium is missing. On Debian: apt-get install chromium" >&2; exit 1; \
	  fi; \
	fi
	@$(PY) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --randomly-dont-reorganize tests/browser

check: export EMBEDDED := 1
check: setup ## format, lint, types, imports, migrations, deployment, templates, generated docs
	.venv/bin/ruff format --check --quiet .
	.venv/bin/ruff check --quiet .
	.venv/bin/mypy $(PACKAGES) manage.py
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy, with the settings of a production server"
	@EMBEDDED=0 DEBUG=0 SECRET_KEY=$$($(PY) -c "import secrets; print(secrets.token_urlsafe(64))") \
	  ALLOWED_HOSTS=facility.example BASE_URL=https://facility.example EMAIL_URL=smtp://mail REDIS_URL=redis://redis \
	  DATABASE_URL=postgresql://app@db/facility $(PY) manage.py check --deploy --fail-level WARNING
	.venv/bin/djlint --lint --quiet $(PACKAGES)
	$(PY) manage.py workflow_docs --check
	$(PY) manage.py check_translations

docs: setup ## write the generated documents anew
	$(PY) manage.py workflow_docs

LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url
lock: $(INSTALLED) ## renew the hashed requirements from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(LOCK) $(UPGRADE) pyproject.toml --output-file requirements.txt
	$(LOCK) $(UPGRADE) pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
	$(LOCK) $(UPGRADE) --group node --output-file requirements-node.txt

clean: ## remove .local/ and the environment
	@if [ -x $(PY) ]; then $(PY) -m config.embedded stop; fi
	@rm -rf .local .venv
