# Everything a developer runs. CI runs the same (.ci/run).

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
LOCK := $(CURDIR)/$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-annotate --no-header
# Tests and tools never read what your shell or .env says about databases.
ALONE := env -u DATABASE_URL -u REDIS_URL
TEST_SETTINGS := DJANGO_SETTINGS_MODULE=tests.settings

.DEFAULT_GOAL := help
.PHONY: help run test test-services test-faults check format messages lock clean

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' Makefile | expand -t 16

run: .venv/app.lock  ## The whole desk with its sandbox, until Ctrl-C
	@DEBUG=$${DEBUG:-1} exec $(BIN)/python manage.py run

test: .venv/dev.lock  ## The whole suite on SQLite and a Redis of its own
	$(ALONE) $(BIN)/pytest -n 3 --dist loadgroup

test-services: export DATABASE_URL ?= postgres://$(shell id -un)@127.0.0.1:5432/lightdesk
test-services: export REDIS_URL ?= redis://127.0.0.1:6379/0
test-services: .venv/dev.lock  ## The same and more on PostgreSQL and Redis
	LIGHTDESK_SERVICES=1 $(BIN)/pytest -n 3 --dist loadgroup

test-faults: export LIGHTDESK_ROUNDS ?= 300
test-faults: test-services  ## The races and faults of test-services, many more times

check: .venv/dev.lock  ## Style, types, floors, migrations, deployment, lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find templates -name '*.html' -exec $(BIN)/djade --check --target-version 5.2 {} +
	$(BIN)/lint-imports
	$(ALONE) $(BIN)/mypy
	$(ALONE) $(TEST_SETTINGS) $(BIN)/python manage.py makemigrations --check --dry-run
	env -i PATH="$$PATH" VAR_DIR=var/check $$(cat tests/ground/production.env) \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	sha256sum --check --quiet requirements/inputs.sha256

format: .venv/dev.lock  ## Let the tools tidy up
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 {} +

messages: .venv/app.lock  ## Gather what the pages say, and compile it; needs gettext
	$(ALONE) $(TEST_SETTINGS) $(BIN)/python manage.py makemessages --all --no-wrap --no-obsolete \
		--add-location file $(foreach folder,.venv var tests sandbox staticfiles,--ignore $(folder))
	find locale -name '*.po' -execdir msgfmt --check --statistics -o django.mo {} \;

lock: .venv/dev.lock  ## Choose versions again and write them down with their hashes
	cd requirements && $(LOCK) --output-file app.txt app.in
	cd requirements && $(LOCK) --output-file dev.txt dev.in
	sha256sum requirements/*.in > requirements/inputs.sha256

clean:  ## Forget the environment; your data in var/ stays
	rm -rf .venv staticfiles

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Lightdesk needs Python 3.11 or newer on the PATH"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/app.lock: requirements/app.txt | .venv/bin/python
	$(INSTALL) -r requirements/app.txt
	@touch $@

.venv/dev.lock: requirements/dev.txt | .venv/bin/python
	$(INSTALL) -r requirements/dev.txt
	@touch $@ .venv/app.lock
