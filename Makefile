# Every target does all of its own set-up: on a Debian-like machine with Rust, each can be the first command typed.
.PHONY: help root setup plugins controlplane build demo test lint bench soak clean

# One target folder for everything, so that nothing is compiled twice.
export CARGO_TERM_COLOR ?= auto
TIME := tests/part

help: ## what the targets do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

# Pods are processes in namespaces of their own.
root:
	@[ "$$(id -u)" = 0 ] || { echo 'This starts pods in namespaces of their own, which takes root. Run: sudo env "PATH=$$PATH" make $(MAKECMDGOALS)' >&2; exit 1; }

setup: ## the wasm target, and the packages of the real servers (apt, as root; otherwise says what to run)
	@tests/setup

plugins: setup ## the plugins as components, in target/wasm32-wasip2/plugin
	@$(TIME) plugins cargo build --quiet --locked --profile plugin --target wasm32-wasip2 -p stateward-plugin-mysql -p stateward-hostile -p stateward-steered -p stateward-wrong --lib --examples

controlplane: ## Kubernetes itself for the tests, from its Go modules, in target/controlplane (once; minutes)
	@$(TIME) controlplane tests/controlplane/build >/dev/null

build: setup ## the `stateward` program, in target/debug
	@$(TIME) build cargo build --quiet --locked -p stateward -p stateward-node -p stateward-tests --bins

demo: root plugins build ## a tour that checks itself: five walkthroughs, then a MariaDB that scales, rolls and switches over
	@target/debug/stateward-demo

test: root controlplane plugins build ## all tests, with the time of each part
	@tests/run

lint: setup ## formatting, clippy and documentation, warnings as errors
	@$(TIME) format cargo fmt --all --check
	@$(TIME) clippy cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(TIME) docs cargo doc --quiet --locked --workspace --no-deps --exclude stateward-tests

bench: root controlplane plugins build ## measurements, printed as ratios to something run beside them
	@$(TIME) "hooks for the bench" cargo build --quiet --locked --profile plugin --target wasm32-wasip2 -p stateward-sdk --examples
	@$(TIME) "release build" cargo build --quiet --locked --release -p stateward
	@$(TIME) "bench of plans" cargo bench --quiet --locked -p stateward-planner --bench plan
	@$(TIME) "bench of hooks" cargo bench --quiet --locked -p stateward-runtime --bench hook
	@$(TIME) "bench of the API" cargo bench --quiet --locked -p stateward-tests --bench api
	@$(TIME) "bench of controllers" cargo bench --quiet --locked -p stateward-differential --bench controllers

soak: root controlplane plugins build ## longer campaigns; BUDGET=seconds (default 600)
	@tests/soak $(or $(BUDGET),600)

clean: ## removes what was built, and the demo's folder
	@cargo clean --quiet
