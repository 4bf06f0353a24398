//! The functions that a router uses, for the linker: `crates/signalbox/build.rs` tells why.
//!
//! ```text
//! cargo bench -p signalbox --bench e2e -- --order             # how much of the program's file they take
//! cargo bench -p signalbox --bench e2e -- --order --update    # writes crates/signalbox/function-order.txt; then build again
//! ```
//! The real program runs under callgrind, which notes each function that is called, from the start to the end of a router. The
//! first group of the order is what Pinterest alone needs, the second what other settings on a disk or in memory add. Callgrind
//! knows no SHA instructions, so the function for them is not noted, nor is what NATS needs. Needs valgrind, and `nm` of the
//! binutils. A router under callgrind takes a hundred times as long: two minutes in all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::load::{self, META, PINTEREST, PLAIN, PROGRAM, Row, TIKTOK};
use crate::names;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/function-order.txt");
/// The kernel maps pages of files in blocks of this size.
const BLOCK: u64 = 64 * 1024;
const EVENTS: usize = 3_000;

/// Loads whose functions a router with Pinterest alone needs.
static FIRST: [Row; 2] = [
    Row {
        secure: true,
        ..PLAIN
    },
    Row {
        batch: 1,
        share: 10,
        ..PLAIN
    },
];

/// Loads of other settings, and of other vendors.
static MORE: [Row; 3] = [
    Row {
        history: Some("all"),
        through: r#"through = ["opt_out", "hash"]"#,
        gzip: true,
        sealed: true,
        ..PLAIN
    },
    Row {
        sinks: &[PINTEREST, META, TIKTOK],
        deduplicates: false,
        secure: true,
        ..PLAIN
    },
    Row {
        journal: "memory",
        ..PLAIN
    },
];

/// A function of the program.
struct Function {
    symbol: String,
    address: u64,
    bytes: u64,
}

/// Shows the functions that routers call, and how much of the program's file they take; with `update` it writes the order.
pub(crate) fn run(update: bool) {
    let valgrind = Command::new("valgrind").arg("--version").output();
    let has_valgrind = valgrind.is_ok_and(|output| output.status.success());
    assert!(
        has_valgrind,
        "valgrind is not there: install it (Debian's package is valgrind)"
    );
    let functions = functions();
    let first = called(&FIRST);
    let more: BTreeSet<String> = called(&MORE).difference(&first).cloned().collect();
    for (what, group) in [("Pinterest alone", &first), ("other settings more", &more)] {
        println!("{what}: {}", told(&functions, group));
    }
    if update {
        let text = order(&functions, [&first, &more]);
        std::fs::write(FILE, text).unwrap_or_else(|error| panic!("{FILE}: {error}"));
    }
}

/// The functions of the program. Some addresses have several names.
fn functions() -> Vec<Function> {
    let output = Command::new("nm").arg("--print-size").arg(PROGRAM).output();
    let output = output.unwrap_or_else(|error| panic!("nm: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let functions = text.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (address, bytes) = (number(fields.next()?)?, number(fields.next()?)?);
        let is_code = matches!(fields.next()?, "t" | "T" | "w" | "W");
        let symbol = fields.next()?.to_owned();
        is_code.then_some(Function {
            symbol,
            address,
            bytes,
        })
    });
    let functions: Vec<Function> = functions.collect();
    assert!(functions.len() > 10_000, "{PROGRAM} has lost its symbols");
    functions
}

/// The symbols of the functions that routers under these loads call.
fn called(rows: &[Row]) -> BTreeSet<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|error| panic!("{error}"));
    let mut all = BTreeSet::new();
    for row in rows {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let file = folder.path().join("callgrind.out");
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--demangle=no", "--compress-strings=no"])
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(PROGRAM);
        let run = runtime.block_on(load::run(command, *row, EVENTS / row.share));
        run.router.end();
        all.extend(noted(&file));
    }
    all
}

/// The symbols in a file of callgrind.
fn noted(file: &Path) -> Vec<String> {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let text = String::from_utf8_lossy(&bytes);
    let symbols = text
        .lines()
        .filter_map(|line| line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")));
    // Further levels of a recursion: `symbol'2`.
    symbols
        .map(|symbol| symbol.split('\'').next().unwrap_or_default().to_owned())
        .collect()
}

fn told(functions: &[Function], called: &BTreeSet<String>) -> String {
    let found = functions
        .iter()
        .filter(|function| called.contains(&function.symbol));
    let found: BTreeMap<u64, u64> = found.map(|function| (function.address, function.bytes)).collect();
    let blocks: BTreeSet<u64> = found
        .iter()
        .flat_map(|(address, bytes)| address / BLOCK..=(address + bytes.max(&1) - 1) / BLOCK)
        .collect();
    format!(
        "{} functions of {} KB, in blocks of {} KB altogether",
        found.len(),
        found.values().sum::<u64>() / 1024,
        blocks.len() as u64 * BLOCK / 1024
    )
}

/// The text of the file.
fn order(functions: &[Function], groups: [&BTreeSet<String>; 2]) -> String {
    let mut text = "# The functions that a router uses, for the linker (build.rs). Written by:\n\
                    # cargo bench -p signalbox --bench e2e -- --order --update\n"
        .to_owned();
    let mut symbols: Vec<(&str, u64)> = functions
        .iter()
        .map(|function| (function.symbol.as_str(), function.bytes))
        .collect();
    for group in groups {
        let lines = names::patterns(&symbols, |symbol| group.contains(symbol));
        symbols.retain(|(symbol, _)| !lines.iter().any(|line| names::matches(line, symbol)));
        text.push('\n');
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}
