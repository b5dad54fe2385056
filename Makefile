# The released module is the root. The others hold what a host must not
# inherit: drivers, real services, measurements.
MODULES     := $(patsubst %/,%,$(dir $(wildcard go.mod */go.mod internal/*/go.mod store/*/*/go.mod)))
EXAMPLES    := $(sort $(patsubst examples/%/main.go,%,$(wildcard examples/*/main.go)))
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4
FUZZTIME    ?= 10s
WORLDS      ?= 300
MODELS      ?= 300
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## serve the notification center at work as a web site on loopback
	@go run ./examples/demo

.PHONY: shots
shots: ## make the README's pictures of the web demo anew
	@cd internal/integration/browser && npm ci --no-audit --no-fund --loglevel=error && node shots.mjs

.PHONY: test
test: format vet lint examples peers browser ## run everything that a change has to pass; brings its database servers up
	@go run ./internal/integration/services $(MAKE) --no-print-directory modules

.PHONY: peers
peers: # implementations of others on Node.js, which tests talk to
	@echo "== npm ci"; \
	cd internal/integration/peers && npm ci --no-audit --no-fund --loglevel=error

.PHONY: browser
browser: # the elements and pages in Chromium
	@echo "== tests in a browser"; \
	internal/integration/browser/run

.PHONY: services
services: ## PostgreSQL and MariaDB for tests, until interrupted; prints what to export
	@go run ./internal/integration/services

.PHONY: modules
modules: # the tests of each module, beside the servers that the environment names
	@status=0; for module in $(MODULES); do \
		echo "== go test in $$module"; \
		race=-race; [ $$module != bench ] || race=; : a library that is measured against has races of its own; \
		(cd $$module && GOWORK=off go test $$race -shuffle=on -timeout 30m ./...) || status=1; \
	done; exit $$status

.PHONY: format
format: # gofmt is clean
	@echo "== gofmt"; \
	unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: # go vet is clean, and every go.mod is tidy
	@for module in $(MODULES); do \
		echo "== go vet in $$module"; \
		(cd $$module && GOWORK=off go mod tidy -diff && GOWORK=off go vet ./...); \
	done

.PHONY: lint
lint: # staticcheck is clean
	@for module in $(MODULES); do \
		echo "== staticcheck in $$module"; \
		(cd $$module && GOWORK=off go run $(STATICCHECK) ./...); \
	done

.PHONY: examples
examples: # each example runs from here, as in a fresh clone, and ends by itself
	@for example in $(EXAMPLES); do \
		echo "== go run ./examples/$$example"; \
		timeout 300 go run ./examples/$$example </dev/null >/dev/null; \
	done

.PHONY: check
check: test fuzz zones storms worlds models mutants vulnerabilities ## test, then all that takes long: docs/proof.md tells what

.PHONY: fuzz
fuzz: # each fuzz target for FUZZTIME
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "== $$target in $$package for $(FUZZTIME)"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

.PHONY: zones
zones: # the cuts around every change of every time zone
	@echo "== all time zones"; \
	NOTIFY_SWEEP=full go test -count=1 -timeout 30m -run 'Zone' .

.PHONY: storms
storms: # processes that are killed at work, for longer
	@echo "== long storms"; \
	go run ./internal/integration/services sh -c \
		'cd internal/integration && NOTIFY_STORM=long GOWORK=off go test -count=1 -timeout 60m -v -run Storm ./storm'
	@echo "== letters of processes that are stopped"; \
	cd internal/integration && NOTIFY_SWEEP=full GOWORK=off go test -count=1 -timeout 30m -v -run Stopped ./mail

.PHONY: worlds
worlds: # WORLDS fresh seeds of the simulation
	@echo "== $(WORLDS) simulated worlds"; \
	NOTIFY_SIMULATION=x$(WORLDS) go test -count=1 -timeout 60m ./internal/simulation

.PHONY: models
models: # stores beside the memory store, and properties, MODELS times each
	@echo "== models and properties, $(MODELS) times"; \
	go run ./internal/integration/services sh -c \
		'cd internal/integration && GOWORK=off go test -count=1 -timeout 60m -run "TestModel|TestDigests_tile|TestResolver_|TestCursors_" . -rapid.checks=$(MODELS)'

.PHONY: mutants
mutants: # each of the defects in internal/mutants is noticed
	@echo "== mutants"; \
	go run ./internal/mutants

.PHONY: vulnerabilities
vulnerabilities: # govulncheck, where its database can be reached
	@echo "== govulncheck"; \
	status=0; GOWORK=off go run $(GOVULNCHECK) ./... || status=$$?; \
	if [ $$status -eq 3 ]; then exit 1; fi; \
	if [ $$status -ne 0 ]; then echo "govulncheck could not run here: nothing is known about vulnerabilities"; fi

.PHONY: bench
bench: ## measure against hand-written SQL and peers, as ratios taken in one run
	@go run ./internal/integration/services -durable sh -c 'cd bench && GOWORK=off go run .'
