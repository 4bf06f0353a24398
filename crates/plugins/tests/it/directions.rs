//! Which crate may use which: the table of docs/ARCHITECTURE.md, held over what cargo says.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

const PREFIX: &str = "signalbox-";

/// For each crate the crates of ours that it may use.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("core", &[]),
    ("segment", &["core"]),
    ("conversions", &["core", "segment", "http"]),
    ("http", &["core"]),
    ("inputs", &["segment"]),
    ("nats", &["core"]),
    ("journal", &["core", "nats"]),
    ("history", &["core"]),
    ("config", &["core", "nats"]),
    ("runtime", &["config", "core", "history", "journal", "nats"]),
    (
        "admin",
        &[
            "config", "core", "history", "http", "journal", "runtime", "segment",
        ],
    ),
    (
        "page",
        &[
            "admin", "config", "core", "history", "journal", "runtime", "segment",
        ],
    ),
    ("sandbox", &["core", "http"]),
    ("testkit", &["core", "segment", "conversions", "http", "runtime"]),
    // The binary may use every library but the one that is for tests.
    (
        "signalbox",
        &[
            "core",
            "segment",
            "conversions",
            "history",
            "http",
            "inputs",
            "journal",
            "nats",
            "config",
            "runtime",
            "admin",
            "page",
            "plugins",
            "sandbox",
        ],
    ),
];

/// The same for each plugin: never another plugin, never the runtime.
const PLUGIN_MAY_USE: &[&str] = &["core", "segment", "conversions", "http", "inputs", "nats"];

/// Crates without I/O, and the dependencies that would give them some.
const PURE: [&str; 3] = ["core", "segment", "conversions"];
const IO: [&str; 6] = ["tokio", "reqwest", "hyper", "hyper-util", "axum", "redb"];

struct Member {
    name: String,
    is_plugin: bool,
    package: Package,
}

impl Member {
    /// Names of its dependencies, direct and transitive.
    fn uses(&self, kinds: &[DependencyKind]) -> BTreeSet<&str> {
        self.package
            .dependencies
            .iter()
            .filter(|dependency| kinds.contains(&dependency.kind))
            .map(|dependency| dependency.name.as_str())
            .collect()
    }

    fn uses_of_ours(&self, kinds: &[DependencyKind]) -> BTreeSet<&str> {
        self.uses(kinds)
            .into_iter()
            .filter_map(|name| name.strip_prefix(PREFIX))
            .collect()
    }
}

const BUILD: [DependencyKind; 2] = [DependencyKind::Normal, DependencyKind::Build];
const TESTS: [DependencyKind; 1] = [DependencyKind::Development];

fn members() -> Vec<Member> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(root)
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let members: Vec<Member> = metadata
        .packages
        .into_iter()
        .map(|package| Member {
            name: package
                .name
                .strip_prefix(PREFIX)
                .unwrap_or(&package.name)
                .to_owned(),
            is_plugin: package
                .manifest_path
                .components()
                .rev()
                .nth(2)
                .is_some_and(|folder| folder.as_str() == "plugins"),
            package,
        })
        .collect();
    assert!(members.iter().any(|member| member.is_plugin));
    members
}

/// The files that the crates of ours begin with: libraries and programs.
pub(crate) fn crate_roots() -> Vec<std::path::PathBuf> {
    members()
        .iter()
        .flat_map(|member| &member.package.targets)
        .filter(|target| target.is_lib() || target.is_bin())
        .map(|target| target.src_path.clone().into_std_path_buf())
        .collect()
}

fn plugins(members: &[Member]) -> BTreeSet<&str> {
    members
        .iter()
        .filter(|member| member.is_plugin)
        .map(|member| member.name.as_str())
        .collect()
}

/// The crates that a crate may use; `None` for the one that links the plugins.
fn may_use(member: &Member) -> Option<BTreeSet<&'static str>> {
    if member.is_plugin {
        return Some(PLUGIN_MAY_USE.iter().copied().collect());
    }
    if member.name == "plugins" {
        return None;
    }
    let row = MAY_USE.iter().find(|(name, _)| *name == member.name);
    let (_, allowed) = row.unwrap_or_else(|| panic!("{} has no row in the table", member.name));
    Some(allowed.iter().copied().collect())
}

#[test]
fn every_crate_uses_only_what_it_may() {
    let members = members();
    for member in &members {
        let uses = member.uses_of_ours(&BUILD);
        match may_use(member) {
            Some(allowed) => assert!(
                uses.is_subset(&allowed),
                "{} may use {allowed:?} and uses {uses:?}",
                member.name
            ),
            None => {
                // The core has the list of plugins of other builds.
                let mut linked = plugins(&members);
                linked.insert("core");
                assert_eq!(
                    uses, linked,
                    "signalbox-plugins links every plugin and nothing else"
                );
            }
        }
    }
}

#[test]
fn tests_may_use_the_testkit_and_the_sandbox_besides() {
    let members = members();
    for member in &members {
        let mut allowed = may_use(member).unwrap_or_default();
        allowed.extend(["core", "testkit", "sandbox"]);
        // The sink in plugins/README.md is an HTTP sink, and the guide's table of presets comes from the vendors' tables.
        if member.name == "plugins" {
            allowed.extend(["http", "conversions"]);
        }
        let uses = member.uses_of_ours(&TESTS);
        assert!(
            uses.is_subset(&allowed),
            "the tests of {} may use {allowed:?} and use {uses:?}",
            member.name
        );
    }
}

#[test]
fn the_pure_crates_hold_nothing_that_does_io() {
    for member in members().iter().filter(|member| PURE.contains(&&*member.name)) {
        let uses = member.uses(&BUILD);
        for io in IO {
            assert!(!uses.contains(io), "{} uses {io}", member.name);
        }
    }
}

#[test]
fn packages_are_named_after_their_folders() {
    for member in members() {
        let folder = member
            .package
            .manifest_path
            .parent()
            .and_then(|path| path.file_name());
        let folder = folder.unwrap_or_default().replace('_', "-");
        let wanted = if folder == "signalbox" {
            folder
        } else {
            format!("{PREFIX}{folder}")
        };
        assert_eq!(*member.package.name, wanted);
        assert_eq!(member.package.license.as_deref(), Some("Apache-2.0"), "{wanted}");
    }
}

/// The top level stays short: these entries, files that begin with a dot, and the output of builds.
#[test]
fn the_top_level_is_what_it_shall_be() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "Cargo.lock",
            "Cargo.toml",
            "LICENSE",
            "README.md",
            "SECURITY.md",
            "benches",
            "crates",
            "deny.toml",
            "docs",
            "examples",
            "justfile",
            "plugins",
            "rust-toolchain.toml",
            "tests"
        ]
    );
}
