# Every target says what it does in its "##" line; `make` alone lists them.
PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
# Not empty: only files whose hashes are in constraints.hashes.txt are installed.
HASHES ?=

# What is installed is what runs; a path to the sources would come first.
unexport PYTHONPATH

BIN      := $(VENV)/bin
PIP      := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES  := pyproject.toml CHANGELOG.md $(shell find libs services infra/embedded -type f -not -name '*.pyc' 2>/dev/null)
EXTRAS   := bookapp,backend,embedded,loadtest,dev

# For every system and interpreter that we promise, not only for this one.
write_hashes = $(1)/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
  --generate-hashes --no-header --no-annotate --constraint constraints.txt \
  --output-file constraints.hashes.txt pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup demo parts migrate test stack-test compose-test chaos load bench check coverage queries \
        contracts openapi asyncapi signals client schemas dashboards screenshots constraints hashes audit sbom up down clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.installed  ## make .venv with everything in it

# Two steps: the dependencies change rarely, our own wheel with every edit. What runs and what is
# tested is always the wheel, never the source tree.
$(VENV)/.dependencies: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; }
	@echo "setup: installing the dependencies into $(VENV) (about a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(if $(HASHES),$(PIP) --require-hashes --no-deps --requirement constraints.hashes.txt,$(PIP) --constraint constraints.txt '.[$(EXTRAS)]')
	@touch $@

$(VENV)/.installed: $(VENV)/.dependencies $(SOURCES)
	@echo "setup: building and installing our wheel"
	@rm -rf $(VENV)/wheel && $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps $(if $(HASHES),--no-build-isolation) --wheel-dir $(VENV)/wheel .
	@$(PIP) --no-deps --force-reinstall $(VENV)/wheel/*.whl
	@touch $@

demo: setup  ## start everything, take the tour, stay up until Ctrl-C (ARGS=--once ends after the tour)
	@$(BIN)/python -m embedded.demo $(ARGS)

parts: setup  ## PostgreSQL, a Kafka-protocol broker and the page alone, for services started by hand
	@$(BIN)/python -m embedded.parts $(ARGS)

migrate: setup  ## bring the tables of both services in DATABASE_URL up to date
	@$(BIN)/python -m bookapp.migrate
	@$(BIN)/python -m backend.migrate

# Tests mostly wait, for processes and time-outs: three files at a time take half as long on 2 cores.
test: setup  ## run the tests on real embedded parts (ARGS="-k name -n0" picks some, one at a time)
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

stack-test: setup  ## the same and more on Apache Kafka, the Collector, Prometheus and Bugsink, natively
	@$(BIN)/python -m embedded.native
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(or $(filter tests/%,$(ARGS)),tests/stack) $(filter-out tests/%,$(ARGS))

compose-test: setup  ## bring infra/compose.yaml up under podman, use it, and end each container (ARGS)
	@$(BIN)/python -m pytest tests/compose $(ARGS)

load: setup  ## a minute of load on the embedded stack (ARGS="--host URL --users N --seconds N")
	@$(BIN)/python loadtest/run.py $(if $(HOST),--host $(HOST)) $(ARGS)

bench: setup $(VENV)/.bench  ## measure against the usual stack (ARGS="--quick"; see docs/performance.md)
	@$(BIN)/python -m loadtest.bench $(ARGS)

chaos: setup  ## break everything on purpose under load (ARGS="--short", "--minutes N --seed N"; docs/faults.md)
	@$(BIN)/python -m loadtest.chaos $(ARGS)

$(VENV)/.bench: $(VENV)/.dependencies
	@$(PIP) --constraint constraints.txt '.[bench]'
	@touch $@ $(VENV)/.installed

check: setup  ## lint, formatting, types, import boundaries, dashboards, unit tests with their coverage
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python infra/grafana/generate.py --check
	@$(MAKE) --no-print-directory coverage

coverage: setup  ## run the unit tests and say what they do not reach (the least is in pyproject.toml)
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile tests/unit --cov --cov-report=term:skip-covered $(ARGS)

queries: setup  ## check every query against a freshly migrated PostgreSQL, and the models against it
	@$(BIN)/python -m pytest tests/integration/queries $(ARGS)

contracts: schemas openapi asyncapi signals client  ## bring all that is generated from the code up to date

openapi: setup  ## write both services' OpenAPI documents to docs/openapi
	@$(BIN)/python -m bookapp.document > docs/openapi/bookapp.json
	@$(BIN)/python -m backend.api.document > docs/openapi/backend.json

asyncapi: setup  ## write the topics' AsyncAPI document to docs/asyncapi.json
	@$(BIN)/python -m contracts.asyncapi > docs/asyncapi.json

signals: setup  ## write the lists of what is emitted to docs/telemetry.md
	@$(BIN)/python -m telemetry.document > docs/telemetry.md

# In the source tree: what is generated is committed, and installed with the next wheel.
client: openapi  ## generate the HTTP client of backend from its OpenAPI document
	@PYTHONPATH=libs $(BIN)/python -m contracts.generate_client < docs/openapi/backend.json

schemas: setup  ## record the schemas of the records; refused when an old reader could not follow
	@PYTHONPATH=libs $(BIN)/python -m contracts.compatibility --record

dashboards: setup  ## write Grafana's dashboards to infra/grafana/dashboards
	@$(BIN)/python infra/grafana/generate.py

screenshots: setup  ## take README's pictures of the page in docs/images, from a demo, in a real browser
	@$(BIN)/python -m embedded.screenshots $(ARGS)

constraints:  ## resolve all versions anew, into constraints.txt (make setup then installs them)
	@rm -rf $(VENV)-new && $(PYTHON) -m venv $(VENV)-new
	@$(VENV)-new/bin/python -m pip install --quiet --disable-pip-version-check '.[$(EXTRAS),bench,maintain]'
	@{ head -1 constraints.txt; $(VENV)-new/bin/python -m pip freeze --exclude event-driven-books; } > constraints.new
	@mv constraints.new constraints.txt
	@$(call write_hashes,$(VENV)-new)
	@rm -rf $(VENV)-new

hashes: $(VENV)/.maintain  ## write the hashes of the files of all pinned versions to constraints.hashes.txt
	@$(call write_hashes,$(VENV))

audit: $(VENV)/.maintain  ## ask for known faults of all pinned versions (ARGS="-s osv" asks another database)
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement constraints.hashes.txt $(ARGS)

sbom: setup $(VENV)/.maintain  ## write what is installed, with versions and licences, to build/sbom.cdx.json
	@mkdir -p build
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o build/sbom.cdx.json $(BIN)/python

$(VENV)/.maintain: $(VENV)/.dependencies
	@$(PIP) --constraint constraints.txt '.[maintain]'
	@touch $@ $(VENV)/.installed

# One command for each: `make up`, `make up WITH=load`, `make up WITH=sentry`, both in quotes.
COMPOSE = docker compose --project-directory infra -f infra/compose.yaml \
          $(if $(filter sentry,$(WITH)),-f infra/compose.sentry.yaml) $(if $(filter load,$(WITH)),--profile load)

up: infra/.env  ## start the whole system in containers; Grafana on port 3000 (WITH=load, WITH=sentry)
	@$(COMPOSE) up --build --detach --wait
	@echo "Grafana is on http://localhost:3000, user admin; the passwords are in infra/.env"

down: WITH = load sentry
down: infra/.env  ## stop it; the data stays in its volumes
	@$(COMPOSE) down

# Random passwords, once: the volumes keep the ones that they were first started with.
infra/.env:
	@umask 077 && while IFS= read -r line; do case "$$line" in \
	  *PASSWORD=|*KEY=) echo "$$line$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')";; *) echo "$$line";; \
	esac; done < infra/.env.example > $@

clean:  ## remove the virtual environment and what tools left behind
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
