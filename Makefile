SHELL := /bin/bash
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help bootstrap services run test check lint types bench nautobot oracle fuzz mutants faults chaos galera docs lock fmt clean

help:  ## List the targets
	@sed -nE 's/^([a-z]+):.*  ## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

bootstrap:
	@tools/bootstrap.sh

services: bootstrap  ## Get the servers that tests start ready (make test does)
	@tools/test-services.sh

run: bootstrap  ## Start Craton with a sample fleet, state under .run/
	@exec $(BIN)/craton-server --sample --state-path .run

test: lint types services  ## Set up, then lint, types and every test
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests examples

check: lint types  ## The quick inner loop: lint, types and unit tests
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/unit

lint: bootstrap
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet

types: bootstrap
	$(BIN)/mypy

bench: bootstrap  ## Print the benchmark table
	$(BIN)/python -m bench

oracle: bootstrap  ## Compare bundles of 10,000 random regions with ansible-inventory
	$(BIN)/python -m tests.oracle --regions 10000

fuzz: bootstrap  ## Send 200,000 requests that nobody would write, and ask for 1,000,000 random paths
	$(BIN)/python -W ignore -m tests.fuzz --requests 200000
	$(BIN)/python -W ignore -m tests.fuzz --paths 1000000

mutants: bootstrap  ## Show which clauses of the contract give which planted faults away
	$(BIN)/python -m tests.mutants

faults: services  ## Kill, stop and restart nodes of a cluster under load; print what clients saw
	$(BIN)/python -m tests.faults

chaos: services  ## Kill, stop and restart what carries out runs; print how long what is promised takes
	$(BIN)/python -m tests.chaos

galera: services  ## Run all of the kit on a cluster, and the HTTP contract on MariaDB
	$(BIN)/python -m pytest -q tests/functional/sql/galera_kit.py
	CRATON_TEST_BACKENDS=mariadb $(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/functional/api

nautobot: services  ## Run both conformance kits as a whole with a Nautobot
	$(BIN)/python -m pytest tests/functional/cmdb/nautobot/whole_kit.py

docs: bootstrap  ## Build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

lock:  ## Choose the newest versions anew and write constraints.txt
	tools/lock.sh

fmt: bootstrap  ## Format the code and fix what can be fixed
	$(BIN)/ruff format --quiet
	$(BIN)/ruff check --fix --quiet

clean:  ## Remove everything that make has made
	rm -rf .venv .venv.lock .venv-nautobot .venv-nautobot.lock .venv-openstack .venv-openstack.lock .cache .run .tox build dist docs/_build *.egg-info examples/*/*.egg-info
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
