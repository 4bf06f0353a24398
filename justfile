# Short names for what .ci/run and the docs do. `just` alone lists them.

_list:
    @just --list

# Runs all that must hold for a change, as CI does.
ci:
    bash .ci/run

# Runs the tests.
test *args:
    cargo test --workspace --features nats --locked {{args}}

# Runs the tests of several routers on NATS servers under kills: minutes.
cluster *args:
    cargo test -p signalbox --features nats --locked --test cluster {{args}}

# Checks format and lints.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --features nats --locked -- -D warnings
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Checks licenses, sources and banned crates of all dependencies.
deny:
    cargo deny --offline check bans licenses sources

# Writes the generated tables of the READMEs and docs anew.
docs:
    UPDATE_DOCS=1 cargo test --workspace --features nats --locked

# Counts instructions and allocations of an event; needs valgrind.
counts:
    cargo bench --profile counts -p signalbox --features nats --bench counts

# Writes the list of functions that a router uses, for the linker; needs valgrind. Build the program again after it.
order:
    cargo bench -p signalbox --bench e2e -- --order --update

# Checks that the fuzz targets compile; needs a nightly compiler.
fuzz-check:
    cargo +nightly check --manifest-path tests/fuzz/Cargo.toml

# Sends sample events through a router to a stand-in for the destination.
demo:
    cargo run --release -- demo
