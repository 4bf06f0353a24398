//! The journal on NATS, and the sources of routers that share one.

use std::path::PathBuf;
use std::time::Duration;

use signalbox_core::JournalKey;

use super::{bad, good, pipeline};
use crate::JournalKind;

/// The smallest table of a journal on NATS.
const NATS: &str = "[journal]\ntype = \"nats\"\nservers = [\"nats://n1:4222\"]\n";

/// A pipeline whose journal is on NATS, with further keys of `[journal]`.
fn nats(more: &str) -> String {
    pipeline(&format!("{NATS}{more}"))
}

#[test]
fn a_journal_on_nats_has_defaults() {
    let config = good(&nats(""));
    let journal = &config.journal;
    assert_eq!(journal.kind, JournalKind::Nats);
    assert_eq!(
        (journal.prefix(), journal.replicas(), journal.limit()),
        ("sbx", 3, 10_000_000_000)
    );
    assert_eq!(journal.takeover(), Duration::from_secs(10));
    assert_eq!(journal.cache(), PathBuf::from("signalbox-cache"));
    assert!(journal.is_durable() && journal.is_stored_plain());
    assert!(journal.node().is_ok_and(|node| !node.is_empty()));
    let history = config.history.map(|history| history.folder());
    assert_eq!(history, Some("signalbox-cache-history".into()));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn every_key_of_a_journal_on_nats_arrives() {
    let key = JournalKey::new([1; 32]).to_text();
    let config = good(&pipeline(&format!(
        r#"
[admin]
listen = "127.0.0.1:1"
[journal]
type = "nats"
servers = ["tls://n1:4222", "nats://[fd00::1]:4222/"]
user = "signalbox"
password = "p"
tls = {{ ca = "ca.pem", certificate = "c.pem", key = "k.pem" }}
prefix = "shop-1"
max_bytes = "100GB"
retain = "1h"
dedup_window = "2h"
dedup_memory = "1MB"
cache = "/var/cache/signalbox"
monitor = ["http://n1:8222"]
key = "{key}"
[journal.cluster]
node = "router-1"
takeover = "30s"
replicas = 5
"#
    )));
    let journal = &config.journal;
    assert_eq!(journal.node(), Ok("router-1".to_owned()));
    assert_eq!(
        (journal.takeover(), journal.replicas(), journal.prefix()),
        (Duration::from_secs(30), 5, "shop-1")
    );
    assert!(!journal.is_stored_plain());
    let history = config.history.map(|history| history.folder());
    assert_eq!(history, Some("/var/cache/signalbox-history".into()));
    let audit = config.admin.and_then(|admin| admin.audit);
    assert_eq!(audit, Some("/var/cache/signalbox-audit.jsonl".into()));
    // The address without TLS gets the password, too.
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let shown = format!("{:?}", good(&nats("token = \"geheim\"")).journal);
    assert!(!shown.contains("geheim"), "{shown}");
    let connection = journal.connection();
    assert_eq!(connection.servers, journal.servers);
    assert!(connection.user.is_some() && connection.password.is_some() && connection.tls.is_some());
}

#[test]
fn keys_of_another_kind_of_journal_are_refused() {
    for (table, told) in [
        (
            "[journal]\nservers = [\"nats://n1\"]\n",
            "journal.servers: only a journal on NATS has it, and this one is on disk",
        ),
        (
            "[journal]\ntype = \"memory\"\ncache = \"c\"\n",
            "journal.cache: only a journal on NATS has it, and this one is in memory",
        ),
        (
            "[journal.cluster]\nnode = \"a\"\n",
            "journal.cluster: only a journal on NATS has it",
        ),
        (
            &format!("{NATS}path = \"p\"\n"),
            "journal.path: only a disk journal has it, and this one is on NATS",
        ),
        (
            &format!("{NATS}max_age = \"1h\"\n"),
            "journal.max_age: only a disk journal has it",
        ),
    ] {
        let found = bad(&pipeline(table));
        assert_eq!(found.as_slice().len(), 1, "{found}");
        let found = found.to_string();
        assert!(
            found.contains(told) && found.contains("help: "),
            "{table}: {found}"
        );
    }
}

#[test]
fn values_that_cannot_be_meant_are_told() {
    let key = format!("key = \"{}\"", JournalKey::new([1; 32]).to_text());
    for (more, told) in [
        ("max_bytes = \"100kB\"", "journal.max_bytes: must be at least 1MB"),
        ("prefix = \"a.b\"", "journal.prefix: may hold letters"),
        ("prefix = \"\"", "journal.prefix: must not be empty"),
        (
            "monitor = [\"n1:8222\"]",
            "journal.monitor[0]: must begin with http",
        ),
        (
            "user = \"u\"\npassword = \"p\"\ntoken = \"t\"",
            "journal.token: excludes `user`",
        ),
        (
            "credentials = \"/run/nats.creds\"",
            "journal.credentials: is the path of a file",
        ),
        ("user = \"u\"", "journal.user: needs `password` beside it"),
        ("password = \"u\"", "journal.password: needs `user` beside it"),
        ("nkey = \"\"", "journal.nkey: is empty"),
        (
            "tls = { key = \"k\" }",
            "journal.tls.key: needs `certificate` beside it",
        ),
        (
            &format!("{key}\nplain = true"),
            "journal.plain: the journal has a key, so nothing lies in plain",
        ),
        (
            "[journal.cluster]\nnode = \"a b\"",
            "journal.cluster.node: may hold letters",
        ),
        (
            "[journal.cluster]\ntakeover = \"2s\"",
            "journal.cluster.takeover: must be from 3s",
        ),
        (
            "[journal.cluster]\ntakeover = \"6m\"",
            "journal.cluster.takeover: must be from 3s",
        ),
        (
            "[journal.cluster]\nreplicas = 1",
            "journal.cluster.replicas: acknowledged events are lost with the disk",
        ),
        (
            "[journal.cluster]\nreplicas = 2",
            "journal.cluster.replicas: must be 3 or 5",
        ),
        ("[journal.cluster]\nreplica = 3", "unknown field 'replica'"),
    ] {
        let found = bad(&nats(more)).to_string();
        assert!(found.contains(told), "{more}: {found}");
    }
    for (servers, told) in [
        (
            "",
            "journal.type: a journal on NATS needs the addresses of its servers",
        ),
        (
            "servers = []",
            "journal.type: a journal on NATS needs the addresses",
        ),
        (
            "servers = [\"n1:4222\"]",
            "journal.servers[0]: must begin with nats://",
        ),
        (
            "servers = [\"nats://n1\", \"http://n2\"]",
            "journal.servers[1]: must begin",
        ),
        (
            "servers = [\"nats://geheim:pa55@n1\"]",
            "holds a user, a password",
        ),
        ("servers = [\"nats://\"]", "names no host"),
    ] {
        let found = bad(&pipeline(&format!("[journal]\ntype = \"nats\"\n{servers}\n"))).to_string();
        assert!(found.contains(told), "{servers}: {found}");
        assert!(!found.contains("geheim") && !found.contains("pa55"), "{found}");
    }
}

#[test]
fn values_that_are_probably_not_meant_are_warnings() {
    for (more, told) in [
        (
            "[journal.cluster]\ntakeover = \"3s\"",
            "journal.cluster.takeover: sinks change hands",
        ),
        (
            "[journal.cluster]\nunsafe_single = true",
            "journal.cluster.unsafe_single: has no effect without 'replicas = 1'",
        ),
        ("token = \"t\"", "journal.token: crosses the network in plaintext"),
    ] {
        let warnings = good(&nats(more)).warnings;
        assert_eq!(warnings.len(), 1, "{more}: {warnings:?}");
        assert!(warnings[0].to_string().contains(told), "{more}: {warnings:?}");
    }
    let single = good(&nats("[journal.cluster]\nreplicas = 1\nunsafe_single = true"));
    assert!(single.warnings.is_empty() && single.journal.replicas() == 1);
    for server in [
        "tls://n1",
        "nats://127.0.0.1:4222",
        "nats://[::1]:4222",
        "nats://localhost",
    ] {
        let table = format!("[journal]\ntype = \"nats\"\nservers = [\"{server}\"]\ntoken = \"t\"\n");
        assert!(good(&pipeline(&table)).warnings.is_empty(), "{server}");
    }
}

#[test]
fn a_key_in_the_cache_is_refused_since_the_cache_may_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("journal.key");
    std::fs::write(&key, JournalKey::new([1; 32]).to_text()).unwrap();
    let text = nats(&format!(
        "cache = {:?}\nkey = \"${{file:{}}}\"\n",
        folder.path().display().to_string(),
        key.display()
    ));
    let found = crate::load("p.toml", &text, &crate::ProcessEnvironment)
        .unwrap_err()
        .to_string();
    assert!(
        found.contains("journal.key: the key lies in the cache"),
        "{found}"
    );
}

#[test]
fn a_source_of_one_machine_needs_the_name_of_its_router() {
    let with = |journal: &str, source: &str| {
        format!(
            "{journal}[sources.web]\ntype = \"probe_source\"\n[sources.batch]\ntype = \"probe_reader\"\n{source}\
             [sinks.pin]\ntype = \"probe_sink\"\ninputs = [\"web\", \"batch\"]\naccount = \"a\"\n"
        )
    };
    let found = bad(&with(NATS, ""));
    assert_eq!(found.as_slice().len(), 1, "{found}");
    let found = found.to_string();
    assert!(
        found.contains("sources.batch: every router that shares the journal would read this source")
            && found.contains("only_on"),
        "{found}"
    );
    let named = good(&with(NATS, "only_on = \"router-1\"\n"));
    assert_eq!(named.sources[1].runtime.only_on.as_deref(), Some("router-1"));
    assert!(named.warnings.is_empty());
    assert!(good(&with("", "")).warnings.is_empty());
    let alone = good(&with("", "only_on = \"router-1\"\n"));
    assert!(
        alone.warnings[0]
            .to_string()
            .contains("sources.batch.only_on: has no effect: only a journal on NATS has several routers"),
        "{:?}",
        alone.warnings
    );
    let found = bad(&with(NATS, "only_on = \"a b\"\n")).to_string();
    assert!(
        found.contains("sources.batch.only_on: may hold letters"),
        "{found}"
    );
}
