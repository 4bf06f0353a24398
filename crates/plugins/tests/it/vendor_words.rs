//! No vendor in shared crates: a vendor's words stand in its plugin, in the sandbox and in the commands of the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that serve every destination.
const SHARED: [&str; 11] = [
    "admin",
    "config",
    "conversions",
    "core",
    "http",
    "inputs",
    "journal",
    "nats",
    "page",
    "runtime",
    "segment",
];

/// Vendors and their click ids, found inside of longer words too.
const NAMES: [&str; 8] = [
    "pinterest",
    "epik",
    "facebook",
    "fbclid",
    "tiktok",
    "ttclid",
    "snapchat",
    "gclid",
];

/// The same where they are too short for that.
const WORDS: [&str; 4] = ["meta", "fbc", "fbp", "ttp"];

/// Files that name vendors, with the words and the reason.
const EXCEPTIONS: [(&str, &[&str], &str); 3] = [
    ("page/src/layout.rs", &["meta"], "the element of HTML"),
    (
        "journal/src/nats/monitoring.rs",
        &["meta"],
        "a key of the servers' answer: the group of servers that places streams",
    ),
    (
        "conversions/src/personal/rules.rs",
        &["pinterest", "meta", "tiktok"],
        "the names of rule sets, as data: hash_pii offers them, and plugins cannot use each other",
    ),
];

/// Collects the files below a folder that are compiled into the product.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry of the folder").path();
        let name = path.file_stem().expect("a name");
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the vendor's words of a text, its module of unit tests left out.
fn vendor_words(text: &str) -> BTreeSet<&'static str> {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let text = text.to_lowercase();
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let named = NAMES.into_iter().filter(|name| text.contains(name));
    named
        .chain(WORDS.into_iter().filter(|word| words.contains(word)))
        .collect()
}

#[test]
fn shared_crates_name_no_vendor() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for name in SHARED {
        let mut sources = Vec::new();
        files(&crates.join(name).join("src"), &mut sources);
        for path in sources {
            let text = fs::read_to_string(&path).expect("a source file");
            let path = path.strip_prefix(&crates).expect("a path in the folder");
            let path = path.to_str().expect("an ASCII path").to_owned();
            found.extend(vendor_words(&text).into_iter().map(|word| (path.clone(), word)));
        }
    }
    let excepted: BTreeSet<_> = EXCEPTIONS
        .iter()
        .flat_map(|(path, words, _)| words.iter().map(|word| ((*path).to_owned(), *word)))
        .collect();
    let new: Vec<_> = found.difference(&excepted).collect();
    assert!(new.is_empty(), "move these to the vendor's plugin: {new:?}");
    let gone: Vec<_> = excepted.difference(&found).collect();
    assert!(gone.is_empty(), "these exceptions are needed no more: {gone:?}");
}

#[test]
fn words_are_found_where_they_stand() {
    assert_eq!(
        vendor_words("struct PinterestSink;\n// meta_events"),
        BTreeSet::from(["pinterest", "meta"])
    );
    assert_eq!(
        vendor_words("http, metadata\n#[cfg(test)]\nmod tests { tiktok }"),
        BTreeSet::new()
    );
}
