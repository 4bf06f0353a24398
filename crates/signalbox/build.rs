//! Tells the linker of a release build which functions a router uses, so that they lie together.
//!
//! The kernel maps the pages of a program's file in blocks of 64 KB around the page that is touched. A router uses a quarter of
//! its code, and in the compiler's order that quarter touches nearly all blocks, which is 11 MB more resident memory
//! (docs/performance.md). `function-order.txt` names the functions, and `benches/support/order.rs` writes it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The only target that Rust links with its own linker by default. GNU's linker takes minutes for the list.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Flags of the compiler that choose another linker.
const OTHER_LINKERS: [&str; 5] = [
    "linker=",
    "linker-flavor",
    "linker-features",
    "fuse-ld",
    "ld-path",
];
const FILE: &str = "function-order.txt";

fn main() {
    println!("cargo::rerun-if-changed={FILE}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER");
    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // `target/release/build/signalbox-…/out`: other profiles that inherit from `release` have no link-time optimisation.
    let profile = folder.ancestors().nth(3).and_then(Path::file_name);
    if profile.is_none_or(|name| name != "release") || variable("TARGET") != TARGET {
        return;
    }
    if let Err(reason) = linker_has_order() {
        println!("cargo::warning=the router will take about 11 MB more memory, since {reason}");
        return;
    }
    let order = fs::read_to_string(FILE).unwrap_or_else(|error| panic!("{FILE}: {error}"));
    let script = folder.join("order.ld");
    fs::write(&script, script_of(&order)).unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    println!("cargo::rustc-link-arg-bin=signalbox=-T{}", script.display());
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// # Errors
/// The reason why functions cannot be ordered.
fn linker_has_order() -> Result<(), String> {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    if !flags.contains("symbol-mangling-version=v0") {
        return Err(
            "the compiler's flags lack -C symbol-mangling-version=v0, which .cargo/config.toml sets for builds from within \
             the repository unless RUSTFLAGS replaces it"
                .to_owned(),
        );
    }
    let chosen =
        OTHER_LINKERS.iter().any(|option| flags.contains(option)) || env::var_os("RUSTC_LINKER").is_some();
    let sysroot = Command::new(variable("RUSTC"))
        .args(["--print", "sysroot"])
        .output();
    let sysroot = sysroot
        .map_err(|error| format!("rustc does not run: {error}"))?
        .stdout;
    let own =
        Path::new(String::from_utf8_lossy(&sysroot).trim()).join(format!("lib/rustlib/{TARGET}/bin/gcc-ld"));
    if chosen || !own.exists() {
        return Err(
            "its functions are only ordered by the linker that Rust's own toolchain brings".to_owned(),
        );
    }
    Ok(())
}

/// Returns a linker script that places functions before all others. A blank line in the order begins the next group.
fn script_of(order: &str) -> String {
    // The plugins' functions that register them are in one section each, all of this name.
    let mut script = "SECTIONS {\n  .text.router : {\n    *(.text.startup)\n".to_owned();
    for group in order.split("\n\n") {
        let names = group
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        // The compiler marks functions that it takes for rare ones, such as those that grow a vector.
        let names: String = names
            .map(|name| format!("      .text.{name}\n      .text.unlikely.{name}\n"))
            .collect();
        if !names.is_empty() {
            script += &format!("    *(\n{names}    )\n");
        }
    }
    script + "  }\n}\nINSERT BEFORE .text;\n"
}
