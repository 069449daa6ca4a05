# Crosswalk: `make run` shows it doing its job on this machine, `make test` checks it. Both install what they need.

BIN     := .bin
NODE    := local/node
CONFORMANCE := local/servicebus/conformance
RACE    := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && echo -race)
GOFILES := $(shell git ls-files '*.go' 2>/dev/null)

ifneq ($(findstring /,$(BICEP)),)
export BICEP := $(abspath $(BICEP))
endif

.DEFAULT_GOAL := help
.PHONY: help run test conformance lint check check-infra snapshots chaos mutate fmt bench fuzz package preflight what-if deploy clean node chromium race-note

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

run: node ## start everything on this machine and feed it the examples (ONCE=1 ends after the feed, ARGS="…" adds flags)
	@mkdir -p $(BIN)
	@go build -o $(BIN)/crosswalk ./cmd/crosswalk
	@exec $(BIN)/crosswalk run $(if $(ONCE),--once) $(ARGS)

test: node chromium race-note check-infra ## run all tests, with the race detector where a C compiler is there
	go build $(RACE) ./...
	go test $(RACE) -p 1 -timeout 15m ./... # one package at a time: several start processes and brokers of their own
	cd $(CONFORMANCE) && go run . -short

conformance: ## run the Go SDK's own live tests against the local broker (ARGS="-run X -v", ARGS=-update)
	cd $(CONFORMANCE) && go run . $(ARGS)

lint: ## gofmt, go vet (for Windows and macOS too), staticcheck (pinned in .ci/tools)
	@out=$$(gofmt -l $(GOFILES)); [ -z "$$out" ] || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	go vet ./...
	@for os in windows darwin; do echo "GOOS=$$os go vet ./cmd/... ./functions"; CGO_ENABLED=0 GOOS=$$os go vet ./cmd/... ./functions || exit 1; done
	go tool -modfile=.ci/tools/go.mod staticcheck ./...
	cd $(CONFORMANCE) && go vet ./...

check: ## check every contract (crosswalk check)
	go run ./cmd/crosswalk check

check-infra: ## check the infrastructure with the Bicep compiler ($$BICEP or PATH): lint, format, snapshots
	@sh infra/check.sh

snapshots: ## write the snapshots of the infrastructure anew; the diff shows what changes in Azure
	go test ./infra -run TestFlowsJSONIsFresh -update
	@sh infra/check.sh update
	go test ./infra -run TestSnapshotsAreSorted -update

chaos: node race-note ## kill, disturb and revoke for ROUNDS rounds (10), then look at what is left
	CROSSWALK_CHAOS_ROUNDS=$(or $(ROUNDS),10) go test $(RACE) -count=1 -timeout 60m -run '^(TestChaos|TestCrashAtEachStep|TestALateWriteNeverWins)$$' -v ./cmd/crosswalk

mutate: ## change a type, length, option or owner in a contract or schema MUTATIONS times (200): who notices?
	CROSSWALK_MUTATIONS=$(or $(MUTATIONS),200) go test -count=1 -run '^TestMutations$$' -v ./shared/contract

fmt: ## format the Go files
	gofmt -w $(GOFILES)

bench: node ## measure mapping and handler against their opponents, then run the benchmarks (BENCH_ROUNDS=15: steadier medians)
	go run ./local/bench
	go test -run '^$$' -bench . -benchtime $(or $(BENCHTIME),300ms) -benchmem ./...

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$p/*_test.go | sed 's/func //'); do \
	    echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-30s} -fuzzminimizetime 2s $$p || exit 1; done; done

package: ## make dist/functions.zip: what Azure runs, for linux/amd64, the same bytes each time
	go run ./cmd/crosswalk package

preflight: ## say what is missing before a deployment to Azure
	@go run ./cmd/crosswalk preflight

what-if: ## show what a deployment would change in Azure (az deployment sub what-if; values as in infra/main.bicepparam)
	@az deployment sub what-if --location "$${AZURE_LOCATION:?the region}" --subscription "$${AZURE_SUBSCRIPTION_ID:?the subscription}" \
	  --parameters infra/main.bicepparam --exclude-change-types NoChange Ignore

deploy: export AZD_ALPHA_ENABLE_LANGUAGE_CUSTOM = true
deploy: preflight ## make everything in Azure and deploy the functions (azd up), once preflight is content
	azd up $(ARGS)

clean: ## remove what was built or installed here
	rm -rf $(BIN) dist $(NODE)/node_modules

# --- what the two main targets need ---

node:
	@command -v node >/dev/null && [ "$$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || { \
	  echo "Node 20 or later is needed (for Azurite, the storage emulator)"; exit 1; }
	@command -v go >/dev/null || { echo "Go 1.26 or later is needed"; exit 1; }
	@[ -f $(NODE)/node_modules/.package-lock.json ] && [ $(NODE)/node_modules/.package-lock.json -nt $(NODE)/package-lock.json ] || { \
	  echo "installing Azurite and the JavaScript client (npm ci in $(NODE))"; \
	  cd $(NODE) && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json; }

# The browser test needs Chromium. Where it is missing and can't be installed, that test is skipped and says so.
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing Chromium for the browser test (apt-get install chromium)"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null \
	      || echo "Chromium could not be installed: the browser test will be skipped"; \
	  else echo "Chromium is not installed: the browser test will be skipped"; fi; }

race-note:
	@[ -n "$(RACE)" ] || echo "no C compiler found: the tests run without the race detector"
