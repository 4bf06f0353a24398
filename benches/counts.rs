//! Costs that need no clock, so that they can be held: allocations (counted in this process) and instructions (counted
//! by callgrind, which runs this program again).
//!
//! ```text
//! cargo bench --profile counts -p signalbox --bench counts                # compare with benches/counts.json
//! cargo bench --profile counts -p signalbox --bench counts -- --update    # write the new figures
//! ```
//! Fails if a figure is further than the tolerance from the committed one, in either direction: an improvement is worth
//! committing too. Figures belong to one compiler and one profile: with others they are shown, not judged. Without
//! valgrind the instructions are skipped, and it says so. Callgrind knows no SHA instructions, so twelve hashes cost
//! 42,000 there; the last row measures them alone.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_core::{Event, Flow, JournalKey, Record, Sha256Hex, Sink};
use signalbox_journal::{Keys, encode_frame, seal_frames};
use support::pipeline::{HASHED, META, TIKTOK, body, pinterest, record, sink_of, source_transforms};
use support::{corpus, naive, parse};

/// Work that is counted.
type Work = fn(&[String]);

/// Figures by the row's name.
type Figures = BTreeMap<String, f64>;

/// The committed figures.
#[derive(Serialize, Deserialize)]
struct Committed {
    /// The output of `rustc --version`.
    compiler: String,
    /// Cargo's profile.
    profile: String,
    figures: Figures,
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/counts.json");
/// Allowed from the committed figure: compilers and libraries of one version differ by less.
const TOLERANCE: f64 = 0.03;
const EVENTS: usize = 200;

/// The work that is counted, by name, over these events.
const WORK: [(&str, Work); 9] = [
    ("parse", parse_all),
    ("parse, store", store),
    ("parse, store sealed", store_sealed),
    ("parse, hash_pii", hash_pii),
    ("transform", transform),
    ("transform, Meta", |texts| transform_for(&sink_of(META), texts)),
    ("transform, TikTok", |texts| {
        transform_for(&sink_of(TIKTOK), texts)
    }),
    ("transform, naive", transform_naively),
    ("twelve hashes", hashes),
];

fn parse_all(texts: &[String]) {
    texts.iter().for_each(|text| drop(black_box(parse(text))));
}

/// The events of commits as a busy source makes them.
fn commits(texts: &[String]) -> impl Iterator<Item = Vec<Event>> {
    texts
        .chunks(50)
        .map(|texts| texts.iter().map(|text| parse(text)).collect())
}

fn store(texts: &[String]) {
    commits(texts).for_each(|events| drop(black_box(encode_frame(0, events))));
}

/// The difference to [`store`] is the cost of the seal: encryption, and the keyed hash of the id.
fn store_sealed(texts: &[String]) {
    let keys = Keys::new(&[JournalKey::new([1; 32])]).ok().flatten();
    let sealed = keys.map(|keys| seal_frames(&keys, commits(texts).collect()));
    assert!(black_box(sealed).is_some_and(|blocks| blocks.is_ok()));
}

/// The difference to [`parse_all`] is the cost of `hash_pii`: finding personal values, normalising and hashing them.
fn hash_pii(texts: &[String]) {
    let hash = source_transforms(HASHED);
    for text in texts {
        let mut event = parse(text);
        for transform in &hash {
            assert_eq!(transform.apply(&mut event), Flow::Pass);
        }
        black_box(event);
    }
}

fn transform(texts: &[String]) {
    transform_for(&pinterest(), texts);
}

fn transform_for(sink: &Arc<dyn Sink>, texts: &[String]) {
    let records: Vec<Record> = texts.iter().map(|text| record(&**sink, &parse(text))).collect();
    black_box(body(&records));
}

fn transform_naively(texts: &[String]) {
    let mapping = naive::mapping();
    texts
        .iter()
        .for_each(|text| drop(black_box(naive::record(&mapping, text))));
}

fn hashes(texts: &[String]) {
    for text in texts {
        for at in 0..12 {
            // Of the length that personal values have.
            black_box(Sha256Hex::of(&text[at..at + 16]));
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let is = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(at) = arguments.iter().position(|argument| argument == "--work") {
        let number = |at: usize| {
            arguments
                .get(at)
                .and_then(|text| text.parse::<usize>().ok())
                .unwrap_or(0)
        };
        WORK[number(at + 1)].1(&corpus::orders(EVENTS)[..number(at + 2)]);
        return ExitCode::SUCCESS;
    }
    // `cargo test` asks only whether this still runs.
    if !is("--bench") {
        WORK.iter().for_each(|(_, work)| work(&corpus::orders(2)));
        return ExitCode::SUCCESS;
    }
    let mut figures = Figures::new();
    for (name, work) in WORK {
        figures.insert(format!("allocations: {name}"), allocations(work));
    }
    match instructions() {
        Some(counted) => figures.extend(counted),
        None => println!("SKIPPED: instructions are not counted, as valgrind is not there"),
    }
    let now = Committed {
        compiler: compiler(),
        profile: profile(),
        figures,
    };
    if is("--update") {
        let text = serde_json::to_string_pretty(&now).unwrap_or_default() + "\n";
        std::fs::write(FILE, text).unwrap_or_else(|error| panic!("{FILE}: {error}"));
    }
    compare(&now)
}

/// The compiler of this program, as cargo would run it again now.
fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(&rustc)
        .arg("--version")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap_or_else(|error| panic!("{rustc}: {error}"));
    String::from_utf8_lossy(&version.stdout).trim().to_owned()
}

/// The profile this was built in: the folder of its target folder.
fn profile() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.ancestors().nth(2).and_then(std::path::Path::file_name);
    folder.unwrap_or_default().to_string_lossy().into_owned()
}

/// Cost of an event without one-time set-up: the difference of two runs.
fn allocations(work: Work) -> f64 {
    let texts = corpus::orders(EVENTS);
    let half = EVENTS / 2;
    work(&texts);
    let count = |texts: &[String]| allocation_counter::measure(|| work(texts)).count_total as f64;
    (count(&texts) - count(&texts[..half])) / half as f64
}

fn instructions() -> Option<Figures> {
    let known = Command::new("valgrind").arg("--version").output();
    known.ok().filter(|output| output.status.success())?;
    let per_event = |(number, (name, _)): (usize, &(&str, Work))| {
        let count = |events: usize| callgrind(number, events) as f64;
        let difference = (count(EVENTS) - count(EVENTS / 2)) / (EVENTS / 2) as f64;
        (format!("instructions: {name}"), difference.round())
    };
    Some(WORK.iter().enumerate().map(per_event).collect())
}

/// Instructions of a process that does this work on a number of events.
fn callgrind(work: usize, events: usize) -> u64 {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--work", &work.to_string(), &events.to_string()])
        .output()
        .unwrap_or_else(|error| panic!("{error}"));
    let log = String::from_utf8_lossy(&output.stderr);
    let total = log
        .lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    total.unwrap_or_else(|| panic!("callgrind said no count:\n{log}"))
}

fn compare(now: &Committed) -> ExitCode {
    let text = std::fs::read_to_string(FILE).unwrap_or_else(|error| panic!("{FILE}: {error}"));
    let before: Committed = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"));
    let same = (&before.compiler, &before.profile) == (&now.compiler, &now.profile);
    println!("{:<40} {:>12} {:>12}", "per event", "committed", "now");
    let mut code = ExitCode::SUCCESS;
    for (name, now) in &now.figures {
        let before = before.figures.get(name).copied().unwrap_or(f64::NAN);
        // Allocations are whole: a tenth of one is one in ten events.
        let slack = (before * TOLERANCE).max(0.1);
        let off = same && (before.is_nan() || (now - before).abs() > slack);
        let verdict = if off { "  <-- further than allowed" } else { "" };
        println!("{name:<40} {before:>12.2} {now:>12.2}{verdict}");
        if off {
            code = ExitCode::FAILURE;
        }
    }
    if !same {
        println!(
            "SKIPPED: nothing is compared, as the committed figures are of {}, profile {}, and these of {}, profile {}",
            before.compiler, before.profile, now.compiler, now.profile
        );
    }
    if code == ExitCode::FAILURE {
        println!(
            "If this is meant: cargo bench --profile counts -p signalbox --bench counts -- --update, and say why in \
             the commit."
        );
    }
    code
}
