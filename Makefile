# Kassa's verbs; `make` lists them. Options of the compiler: SWIFTFLAGS='-Xswiftc -warnings-as-errors'.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
SWIFTFLAGS ?=
# The Swift library goes into the program: it runs where Swift is not installed.
RELEASE := swift build -c release --static-swift-stdlib --product kassa $(SWIFTFLAGS)
KASSA := .build/release/kassa
# Where `make run` serves.
HTTP ?= 127.0.0.1:8000
OPERATOR ?= 127.0.0.1:9000
DATA ?= data
# A part of the tests: make test FILTER=SettingsTests
FILTER ?=
# Options of perf/suite: make perf PERF='--only uniform,hot'
PERF ?=

KILLS ?= 100

# Simulated worlds: make sim SEEDS=10000 STEPS=10000 SEED=1
SEEDS ?= 1000
STEPS ?= 3000
SEED ?= 1

.PHONY: help run build test drills sim perf lint format install uninstall clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install missing system packages, build, serve on HTTP=127.0.0.1:8000 with the data in DATA=data
	@scripts/system-packages --for run
	@$(RELEASE)
	@exec $(KASSA) serve --http "$(HTTP)" --operator "$(OPERATOR)" --data "$(DATA)"

build: ## the program, optimised, at .build/release/kassa
	@$(RELEASE)

test: ## everything: units, simulations, real processes (a part of the units: FILTER=name)
	@scripts/system-packages --for test
	@SWIFTFLAGS="$(SWIFTFLAGS)" FILTER="$(FILTER)" scripts/test

drills: ## the process drills at length: KILLS=100 times kill -9 under load, failing disks and the rest (7 minutes)
	@scripts/system-packages --for test
	@SWIFTFLAGS="$(SWIFTFLAGS)" Tests/Drills/run --long --kills "$(KILLS)"

perf: ## measure it against its targets, and against PostgreSQL, on this machine (10 minutes)
	@scripts/system-packages --for perf
	@$(RELEASE)
	@perf/suite --kassa $(KASSA) $(PERF)

sim: ## the core in SEEDS=1000 simulated worlds of STEPS=3000 steps each, from SEED=1
	@$(RELEASE)
	@$(KASSA) sim --seed "$(SEED)" --seeds "$(SEEDS)" --steps "$(STEPS)"

lint: ## the code's layout and the shell scripts
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests
	@if command -v shellcheck >/dev/null; then grep -rlE '^#!.*(bash|/sh)$$' scripts .ci perf Tests | xargs shellcheck; fi
	@echo "lint: clean"

format: ## put the code's layout right
	@swift format --in-place --recursive --parallel Package.swift Sources Tests

install: build ## the program, its man page and its completions under PREFIX=/usr/local
	@scripts/install "$(KASSA)" "$(DESTDIR)$(PREFIX)"

uninstall: ## take away what install put there
	@scripts/install --remove "$(DESTDIR)$(PREFIX)"

clean: ## delete what was built (not the data)
	@rm -rf .build
