//! `signalbox init`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use signalbox_core::JournalKey;
use signalbox_journal::new_key;
use signalbox_runtime::journal::{NATS_FEATURE, WITHOUT_NATS};
use signalbox_sandbox::Vendor;

use super::keygen;
use crate::cli::{InitArgs, StarterJournal};
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

/// The pipeline to start from, with all vendors.
const STARTER: &str = include_str!("../../../../examples/starter.toml");

/// Returns the pipeline with these vendors only; with all, if none is chosen. The sink of each is a paragraph of the file.
fn starter(chosen: &[Vendor]) -> String {
    if chosen.is_empty() {
        return STARTER.to_owned();
    }
    let (wanted, unwanted): (Vec<Vendor>, Vec<Vendor>) =
        Vendor::ALL.iter().partition(|vendor| chosen.contains(vendor));
    let is_unwanted = |paragraph: &&str| {
        let of = |vendor: &Vendor| paragraph.starts_with(&format!("[sinks.{vendor}]"));
        unwanted.iter().any(of)
    };
    let paragraphs: Vec<&str> = STARTER
        .split("\n\n")
        .filter(|paragraph| !is_unwanted(paragraph))
        .collect();
    let rules: Vec<&str> = wanted.iter().map(|vendor| vendor.name()).collect();
    let titles: Vec<&str> = wanted.iter().map(|vendor| vendor.title()).collect();
    paragraphs
        .join("\n\n")
        .replace("Pinterest, Meta and TikTok", &titles.join(" and "))
        .replace("[\"pinterest\", \"meta\", \"tiktok\"]", &format!("{rules:?}"))
}

/// The journal of the starter file, for routers that share one.
const SHARED_JOURNAL: &str = r#"# The journal on NATS servers, which any number of routers with this file share: an acknowledged event is on the disks of a majority
# of the servers. docs/scaling.md describes the servers' files.
[journal]
type = "nats"
servers = ["${NATS_1:-nats://n1:4222}", "${NATS_2:-nats://n2:4222}", "${NATS_3:-nats://n3:4222}"]
# Where a start checks that the servers sync each message to disk.
monitor = ["${NATS_MONITOR_1:-http://n1:8222}", "${NATS_MONITOR_2:-http://n2:8222}", "${NATS_MONITOR_3:-http://n3:8222}"]
# credentials = "${file:/etc/signalbox/nats.creds}"   # or user and password, nkey, token
cache = "${SIGNALBOX_CACHE:-signalbox-cache}"
# Encrypts events before they leave the router. All routers need the same key; keep a copy of it elsewhere.
# key = "${file:/etc/signalbox/journal.key}"

# [journal.cluster]
# node = "router-1"   # the machine's name, if it is not set"#;

/// Returns the text with another journal in the place of the one on disk, which is a paragraph of the file.
fn with_journal(text: &str, journal: StarterJournal) -> String {
    if journal == StarterJournal::Disk {
        return text.to_owned();
    }
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let is_journal = paragraph.lines().any(|line| line == "[journal]");
        if is_journal { SHARED_JOURNAL } else { paragraph }
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// The line of the starter file that names a key.
const KEY: &str = "# key = \"${file:/etc/signalbox/journal.key}\"";

/// The text with the name of a key file, in TOML.
fn with_key(text: &str, key: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(key).unwrap_or_else(|_| key.to_owned());
    let path = path
        .to_str()
        .filter(|path| !path.contains(['}', '"', '\\', '\n', '$']));
    let path = path.ok_or_else(|| {
        let key = key.display();
        Failure::from(format!(
            "{key}: a pipeline file cannot name a key with this path; choose another folder"
        ))
    })?;
    Ok(text.replace(KEY, &format!("key = \"${{file:{path}}}\"")))
}

/// Makes the key beside the pipeline file; a key that is there already stays, since a journal may need it.
fn make_key(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let key = new_key().map_err(|error| Failure::from(error.to_string()))?;
    match keygen::write(path, &key) {
        Ok(()) => Ok(format!(
            "{shown} written: the key that encrypts the journal. {}",
            keygen::LOSS
        )),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let held = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"));
            let key = held.and_then(|text| JournalKey::parse(&text).map_err(|fault| fault.to_string()));
            // Another program's key, such as that of a certificate, must stay.
            key.map_err(|why| {
                Failure::from(format!(
                    "{shown} exists already, and its content {why}. Move it away, or give the pipeline file another name"
                ))
            })?;
            Ok(format!("{shown} exists already, and encrypts the journal."))
        }
        Err(error) => Err(keygen::unwritten(path, &error)),
    }
}

/// The file of the key: the pipeline file's name with another extension.
fn key_path(path: &Path) -> PathBuf {
    let key = path.with_extension("key");
    if key == path {
        path.with_extension("journal.key")
    } else {
        key
    }
}

/// Tells what this build lacks to run with a shared journal, in a line of its own; empty if it lacks nothing.
fn other_build() -> String {
    if cfg!(feature = "nats") {
        return String::new();
    }
    let remedy = signalbox_core::with_feature(NATS_FEATURE);
    format!("\n{WITHOUT_NATS}: to run with the file, {remedy}")
}

pub(crate) fn run(args: &InitArgs) -> Result<Code, Failure> {
    let path = args.path.display();
    let key = key_path(&args.path);
    let text = with_key(&with_journal(&starter(&args.vendor), args.journal), &key)?;
    let exists = || format!("{path} exists already; --force replaces it");
    if !args.force && args.path.exists() {
        return Err(exists().into());
    }
    // A pipeline file without its key would not load; a key without a pipeline file is taken by the next try.
    let key = make_key(&key)?;
    let mut options = OpenOptions::new();
    options.write(true);
    // Users may write keys and tokens into the file.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, signalbox_core::PRIVATE_FILE);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options
        .open(&args.path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
    {
        Ok(()) => {
            let copy = match args.journal {
                StarterJournal::Disk => String::new(),
                StarterJournal::Nats => format!(
                    " Bring both files to every machine that runs a router.{}",
                    other_build()
                ),
            };
            print(&format!(
                "{path} written. Next:\n\
                 \x20 1. fill in what it asks for\n\
                 \x20 2. signalbox validate --config {path}\n\
                 \x20 3. signalbox run --config {path}\n\
                 {key}{copy}\n"
            ));
            Ok(exit::OK)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists().into()),
        Err(error) => Err(format!("{path} cannot be written: {error}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_file_names_the_key() {
        assert!(STARTER.contains(KEY));
        let text = with_key(&starter(&[]), Path::new("/a/b.key")).ok();
        assert!(text.is_some_and(|text| text.contains("\nkey = \"${file:/a/b.key}\"\n")));
        assert!(with_key(STARTER, Path::new("/a}/b.key")).is_err());
        assert_eq!(key_path(Path::new("a/x.toml")), Path::new("a/x.key"));
        assert_eq!(key_path(Path::new("a/x.key")), Path::new("a/x.journal.key"));
    }

    #[test]
    fn a_shared_journal_takes_the_place_of_the_one_on_disk() {
        let text = with_journal(&starter(&[]), StarterJournal::Nats);
        let text = with_key(&text, Path::new("/a/b.key")).ok().unwrap();
        let file: toml::Table = text.parse().unwrap();
        let journal = file["journal"].as_table().unwrap();
        assert_eq!(journal["type"].as_str(), Some("nats"));
        assert_eq!(journal["key"].as_str(), Some("${file:/a/b.key}"));
        assert!(!journal.contains_key("path"));
        assert_eq!(text.matches("[journal]").count(), 1);
        assert_eq!(with_journal(STARTER, StarterJournal::Disk), STARTER);
    }

    #[test]
    fn a_file_that_is_there_is_a_key_of_a_journal_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("signalbox.key");
        assert!(make_key(&key).is_ok_and(|told| told.contains("written")));
        assert!(make_key(&key).is_ok_and(|told| told.contains("exists already, and encrypts")));
        for other in ["", "-----BEGIN PRIVATE KEY-----\n"] {
            std::fs::write(&key, other).unwrap();
            assert!(make_key(&key).is_err());
            assert_eq!(std::fs::read_to_string(&key).unwrap(), other);
        }
    }
}
