# Two commands do everything: make run, make test.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up

.PHONY: setup setup-tests run test test-python test-browser lint bench clean

setup: $(STAMP)

# torch first and by itself: its exact version decides which build is fetched.
$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .
	touch $(STAMP)

.venv/.set-up-tests: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable ".[dev,train,scale]"
	touch $@

setup-tests: .venv/.set-up-tests
	@sh .ci/packages

run: setup
	@exec $(BIN)/python manage.py up

lint: setup-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/djlint templates --lint --quiet

# Browser tests run in a call of their own: Playwright keeps an event loop in the main thread.
test: lint
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -m "not browser" -n 2 --dist worksteal
	$(BIN)/coverage run -m pytest tests/browser -m browser
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# For instance: make bench NAME=overhead
bench: setup-tests
	$(BIN)/python manage.py bench $(NAME)

clean:
	rm -rf .venv
