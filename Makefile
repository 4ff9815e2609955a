# bot-adtech: everything that a new developer needs. Only Python 3.11 or newer (with venv) and make
# have to be installed. The environment is in .venv, and is made again when the requirements change.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url

# What a shell has set for Python, PostgreSQL's clients, time and the tools of the tests changes nothing
# here. For example, with PYTHONDONTWRITEBYTECODE each process would compile anew what it imports, and
# with PYTEST_ADDOPTS=--collect-only no test would run.
FOREIGN := PYTHON% PYTEST% PY_COLORS PG% TZ% MYPY% HYPOTHESIS% COVERAGE% COV_% RUFF% \
	FORCE_COLOR NO_COLOR CLICOLOR% COLUMNS LINES
$(foreach name,$(filter-out PYTHON,$(filter $(FOREIGN),$(.VARIABLES))),$(eval unexport $(name)))
# These are given on the command line: make test ARGS="-k E1". A shell's own variable is another thing.
$(foreach name,ARGS KILLS SEED STEPS,$(if $(filter environment,$(origin $(name))),$(eval $(name) :=)))

.DEFAULT_GOAL := help
.PHONY: help run status demo test test-browser pictures chaos drills exercise rehearse-deploy mutants bench-posting bench-ledger bench-rolling \
	bench-migrations bench-partitions bench-stop bench-catalogue bench-bot bench-sandbox bench-flood crawl lint \
	alerts incidents traceability tour schema requirements audit sbom clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## start the whole product with a local Telegram server; Ctrl-C stops it
	@exec $(BIN)/python -m sandbox --redirect --first-world $(ARGS)

status: $(READY) ## say what runs of `make run`, and the address of its page
	@$(BIN)/python -m sandbox.status $(ARGS)

demo: $(READY) ## buy, moderate, publish and pay for one ad by buttons, then check the ledger
	@exec $(BIN)/python -m sandbox.demo $(ARGS)

test: $(READY) ## run every test; make test ARGS="-k E1" runs some
	@exec $(BIN)/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder $(ARGS)

test-browser: $(READY) ## test the page in the Chromium of this machine; make test-browser ARGS="-k narrow" runs some
	@exec $(BIN)/python -m tests.browser $(ARGS)

pictures: $(READY) ## take the pictures of docs/first-ad.md again, in the Chromium of this machine
	@PICTURES_OF_TESTS=$(CURDIR)/docs/pictures exec $(BIN)/python -m tests.browser -k newcomer

chaos: $(READY) ## kill schedulers by the hundred, then check every post; KILLS=1000 SEED=7, ARGS=--short or --server-faults
	@exec $(BIN)/python -m tests.chaos $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

crawl: $(READY) ## press every button as people of all roles, with odd input in between; STEPS=500 SEED=7
	@exec $(BIN)/python -m tests.crawl $(if $(STEPS),--steps $(STEPS)) $(if $(SEED),--seed $(SEED))

bench-posting: $(READY) ## measure how fast posts are published, with Telegram's limits and without
	@exec $(BIN)/python -m tests.benchmarks.posting $(ARGS)

rehearse-deploy: $(READY) ## replace a release by the next one, and roll back, while people use the bot
	@exec $(BIN)/python -m tests.rehearsal $(ARGS)

mutants: $(READY) ## remove each guard of the money core in turn; a test must fail each time
	@exec $(BIN)/python -m tests.mutants $(ARGS)

lint: $(READY) ## check style, format, types, and the rules for imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python $(BIN)/lint-imports

alerts: $(READY) ## write the alert rules again, and test them with promtool, which must be installed
	@$(BIN)/python -m tests.prometheus_rules
	@promtool check rules deploy/prometheus/alerts.yml
	@promtool test rules deploy/prometheus/alerts_test.yml

drills: $(READY) ## cause each incident in a product of its own, and repair it; ARGS="redis_outage" runs some
	@exec $(BIN)/python -m tests.drills $(ARGS)

exercise: $(READY) ## cause an incident for people to find and repair; ARGS="redis_outage", or ARGS="--seed 7"
	@exec $(BIN)/python -m tests.drills.exercise $(ARGS)

traceability: $(READY) ## write docs/traceability.md again from docs/traceability.toml
	@exec $(BIN)/python -m tests.traceability.table

incidents: $(READY) ## write docs/incidents.md again from docs/incidents.toml
	@exec $(BIN)/python -m tests.drills.pages

tour: $(READY) ## write the tours in docs again, by playing their scenes in the sandbox
	@exec $(BIN)/python -m tests.handlers.write_tour

schema: $(READY) ## write db/schema.sql again from the migrations
	@exec $(BIN)/python -m migrations.schema

requirements: $(READY) ## pin all requirements again, with their hashes
	$(LOCK) --upgrade pyproject.toml -o requirements/run.txt
	$(LOCK) --upgrade pyproject.toml --all-extras -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) --upgrade requirements/uv.in -o requirements/uv.txt

bench-ledger: $(READY) ## compare the money core with plain SQL, up to 10⁷ entries; ARGS=--quick is shorter
	@exec $(BIN)/python -m tests.benchmarks.ledger $(ARGS)

bench-rolling: $(READY) ## measure how soon the check of the ledger finds a changed row; ARGS=--quick is shorter
	@exec $(BIN)/python -m tests.benchmarks.rolling $(ARGS)

bench-migrations: $(READY) ## measure how long others wait while each migration runs among 10⁶ placements
	@exec $(BIN)/python -m tests.benchmarks.migrations $(ARGS)

bench-partitions: $(READY) ## compare the ledger with a copy that is partitioned by month
	@exec $(BIN)/python -m tests.benchmarks.partitions $(ARGS)

bench-stop: $(READY) ## measure how long `adtech stop all` takes, also under load
	@exec $(BIN)/python -m tests.benchmarks.stop

bench-catalogue: $(READY) ## measure a page of the catalogue among 10⁵ channels with each filter; ARGS=--quick is shorter
	@exec $(BIN)/python -m tests.benchmarks.catalogue $(ARGS)

bench-bot: $(READY) ## compare the bot with a bare one: updates a second, and how soon a press is answered
	@exec $(BIN)/python -m tests.benchmarks.bot $(ARGS)

bench-sandbox: $(READY) ## measure the simulated Telegram: messages a second, and how soon the page shows them
	@exec $(BIN)/python -m tests.benchmarks.sandbox $(ARGS)

bench-flood: $(READY) ## measure how soon an alarm, a stop and a payment are handled in a flood of other work
	@exec $(BIN)/python -m tests.benchmarks.flood

audit: $(READY) ## look for known vulnerabilities and licences that are not allowed
	@exec $(BIN)/python requirements/audit.py

sbom: $(READY) ## write the bill of materials of the image into build/sbom.json
	@mkdir -p build
	@exec $(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		-o build/sbom.json requirements/run.txt

clean: ## remove the environment, the caches and the data of make run
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements/dev.txt requirements/uv.txt requirements/install.py bot/cli/adtech.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) comes without venv: install python3-venv, or make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import os, sys; sys.exit(":" in os.getcwdb().decode())' 2>/dev/null || { \
		echo "Python's venv does not work in this folder: move it to a path of UTF-8 without a colon" >&2; \
		exit 1; }
	@echo "Setting up .venv (up to a minute, once)" >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -I requirements/install.py
	@cp bot/cli/adtech.sh $(BIN)/adtech && chmod +x $(BIN)/adtech
	@touch $@
