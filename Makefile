# Kassa's verbs; `make` lists them. Options of the compiler: SWIFTFLAGS='-Xswiftc -warnings-as-errors'.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
SWIFTFLAGS ?=
# The Swift library goes into the program: it runs where Swift is not installed.
RELEASE := swift build -c release --static-swift-stdlib --product kassa $(SWIFTFLAGS)
KASSA := $(CURDIR)/.build/release/kassa
# Where `make run` serves.
HTTP ?= 127.0.0.1:8000
OPERATOR ?= 127.0.0.1:9000
DATA ?= data
# A part of the tests: make test FILTER=SettingsTests
FILTER ?=
# What `make check` runs: targets whose tests are decisions, without servers, processes and deadlines.
QUICK := TidyTests ModelTests WireTests StreamsTests TenancyTests PartitionCoreTests OrdersTests StockTests PaymentsTests \
  GoldenLogTests CallersTests SettingsTests TelemetryTests RestAPITests OperatorAPITests
# The sanitizers of `make sanitize`.
SANITIZE ?= thread address
SBOM ?= .build/kassa.cdx.json
# Options of perf/suite and perf/cluster: make perf PERF='--only uniform,hot'
PERF ?=

# The cluster of `make stack`: pods of each service, brokers (1 or 3), partitions (stack/plan.py has the default); more
# settings of the pods, such as POD_SETTINGS='KASSA_LANES=2 KASSA_LEASE=1s'.
ORDERS ?= 2
STOCK ?= 2
PAYMENTS ?= 2
BROKERS ?= 1
PARTITIONS ?=
POD_SETTINGS ?=
# make stack-scale SERVICE=stock PODS=4;  make stack-stop WIPE=1 deletes the data, too
SERVICE ?=
PODS ?=
WIPE ?=

# Of the one server; of the pods of each service.
KILLS ?= 100
POD_KILLS ?= 20

# Simulated clusters: make sim SEEDS=10000 STEPS=10000 SEED=1
SEEDS ?= 1000
STEPS ?= 3000
SEED ?= 1

.PHONY: help run stack stack-stop stack-scale stack-restart stack-status build test test-docker drills sim perf perf-cluster lint format check sanitize sbom slides install uninstall clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install missing system packages, build, serve on HTTP=127.0.0.1:8000 with the data in DATA=data
	@scripts/system-packages --for run
	@$(RELEASE)
	@exec "$(KASSA)" serve --http "$(HTTP)" --operator "$(OPERATOR)" --data "$(DATA)"

stack: ## a whole cluster on this machine: Kafka, PostgreSQL, Redis, ORDERS=2 STOCK=2 PAYMENTS=2 pods, a gateway
	@scripts/system-packages --for stack
	@scripts/kafka ensure >/dev/null
	@$(RELEASE)
	@stack/stack start --orders "$(ORDERS)" --stock "$(STOCK)" --payments "$(PAYMENTS)" --brokers "$(BROKERS)" \
	  $(if $(PARTITIONS),--partitions "$(PARTITIONS)") --pod-settings "$(POD_SETTINGS)" --kassa "$(KASSA)"

stack-stop: ## stop it (its data stays; WIPE=1 deletes it)
	@stack/stack stop $(if $(WIPE),--wipe)

stack-scale: ## change how many pods a service has: SERVICE=stock PODS=4
	@stack/stack scale "$(SERVICE)" "$(PODS)"

stack-restart: ## restart its pods, one after the other, without a failed request
	@stack/stack restart

stack-status: ## what runs, with pids and addresses
	@stack/stack status

build: ## the program, optimised, at .build/release/kassa
	@$(RELEASE)

test: ## everything: units, simulations, real processes; ends with what was not run, REQUIRE=all fails then (FILTER=name)
	@scripts/system-packages --for test
	@SWIFTFLAGS="$(SWIFTFLAGS)" FILTER="$(FILTER)" scripts/test

test-docker: ## build the image and try the whole docker-compose.yml, with its own Docker engine if need be (15 minutes)
	@scripts/test-docker

drills: ## the process drills at length: KILLS=100, POD_KILLS=20 times kill -9 under load, failing disks, the pages' commands (50 minutes)
	@scripts/system-packages --for test
	@scripts/kafka ensure >/dev/null || true
	@SWIFTFLAGS="$(SWIFTFLAGS)" Tests/Drills/run --long --kills "$(KILLS)"
	@$(RELEASE)
	@Tests/ClusterDrills/run --kassa "$(KASSA)" --long --kills "$(POD_KILLS)"
	@Tests/Readme/run --kassa "$(KASSA)" --long
	@Tests/Jobs/run --kassa "$(KASSA)" --long

perf: ## measure it against its targets, and against PostgreSQL, on this machine (5 minutes)
	@scripts/system-packages --for perf
	@$(RELEASE)
	@perf/suite --kassa "$(KASSA)" $(PERF)

perf-cluster: ## the same of a whole cluster with everything on this machine (18 minutes)
	@scripts/system-packages --for perf
	@scripts/kafka ensure >/dev/null
	@$(RELEASE)
	@perf/cluster --kassa "$(KASSA)" $(PERF)

sim: ## SEEDS=1000 simulated clusters of STEPS=3000 steps each, from SEED=1
	@swift build -c release --static-swift-stdlib --product kassa-simulator $(SWIFTFLAGS)
	@.build/release/kassa-simulator --seed "$(SEED)" --seeds "$(SEEDS)" --steps "$(STEPS)"

lint: ## the code's layout, the shell scripts, the Python code (the first time gets Ruff from PyPI)
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests perf
	@if command -v shellcheck >/dev/null; then grep -rlE '^#!.*(bash|/sh)$$' scripts .ci perf Tests test compose | xargs shellcheck; \
	  else scripts/not-run "shellcheck of the shell scripts" "there is no shellcheck: scripts/system-packages --for test"; fi
	@scripts/lint-python
	@echo "lint: clean"

format: ## fix the code's layout
	@swift format --in-place --recursive --parallel Package.swift Sources Tests perf

check: ## before each commit: format, lint, and the tests that need no server (QUICK names their targets)
	@$(MAKE) --no-print-directory format
	@$(MAKE) --no-print-directory lint
	@swift test --disable-xctest $(SWIFTFLAGS) $(QUICK:%=--filter '^%\.')

sanitize: ## the tests under SANITIZE='thread address', without the simulations; each compiles everything again (FILTER=name)
	@scripts/system-packages --for test
	@set -e; for kind in $(SANITIZE); do echo "make sanitize: $$kind"; \
	  swift test --disable-xctest $(SWIFTFLAGS) --sanitize "$$kind" --scratch-path ".build-$$kind" \
	    $(if $(FILTER),--filter "$(FILTER)",--skip SimulatorTests); done

sbom: ## what the program consists of, as CycloneDX, to SBOM=.build/kassa.cdx.json
	@scripts/system-packages --for run
	@$(RELEASE)
	@scripts/sbom "$(KASSA)" >"$(SBOM).new" && mv "$(SBOM).new" "$(SBOM)"
	@echo "$(SBOM)"

slides: ## print the talk about Kassa to docs/slides/kassa.pdf (the first time installs Chromium, 300 MB)
	@scripts/system-packages --for slides
	@scripts/slides

install: build ## the program, its man page and its completions under PREFIX=/usr/local
	@scripts/install "$(KASSA)" "$(DESTDIR)$(PREFIX)"

uninstall: ## remove what install put there
	@scripts/install --remove "$(DESTDIR)$(PREFIX)"

clean: ## delete what was built (not the data)
	@rm -rf .build .build-thread .build-address
