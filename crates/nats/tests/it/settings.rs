//! Settings that are refused, with their messages.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_nats::{Connection, with_connection};

with_connection! {
    /// Settings of a component.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Settings {
        /// Its own key.
        pub subject: String,
    }
}

fn connection(settings: &str) -> Connection {
    let text = format!("subject = 'x'\n{settings}");
    let settings = toml::from_str::<Settings>(&text).unwrap();
    assert_eq!(settings.subject, "x");
    settings.connection()
}

const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

fn creds() -> String {
    format!(
        "-----BEGIN NATS USER JWT-----\neyJ0.eyJq.c2ln\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{SEED}\n------END USER NKEY SEED------\n"
    )
}

#[test]
fn what_fits_is_taken() {
    for good in [
        "servers = ['nats://n1:4222', 'tls://n2']".to_owned(),
        "servers = ['nats://n1']\nuser = 'ann'\npassword = 'correct horse'".to_owned(),
        "servers = ['nats://n1']\ntoken = 's3cr3t'".to_owned(),
        format!("servers = ['nats://n1']\nnkey = \"{SEED}\\n\""),
        format!("servers = ['nats://n1']\ncredentials = '''{}'''", creds()),
        "servers = ['nats://n1']\ntls = { ca = 'ca.pem', certificate = 'c.pem', key = 'k.pem' }".to_owned(),
        "servers = ['nats://n1']\ntls = {}".to_owned(),
    ] {
        assert_eq!(connection(&good).faults(), [], "{good}");
    }
}

#[test]
fn what_does_not_fit_is_told_at_its_place() {
    for (settings, path, words) in [
        ("servers = []", "servers", "names no server"),
        ("servers = ['n1:4222']", "servers.0", "must begin with nats://"),
        (
            "servers = ['nats://n1', 'nats://n1']",
            "servers.1",
            "the same server",
        ),
        (
            "servers = ['nats://n1', 'nats://bob:hunter22@n2']",
            "servers.1",
            "holds a user",
        ),
        (
            "servers = ['nats://n1']\nuser = 'ann'",
            "user",
            "needs `password`",
        ),
        (
            "servers = ['nats://n1']\npassword = 'hunter22'",
            "password",
            "needs `user`",
        ),
        (
            "servers = ['nats://n1']\nuser = ''\npassword = 'hunter22'",
            "user",
            "is empty",
        ),
        ("servers = ['nats://n1']\ntoken = ''", "token", "is empty"),
        (
            "servers = ['nats://n1']\ntoken = 'a'\nuser = 'ann'\npassword = 'hunter22'",
            "token",
            "excludes `user`",
        ),
        (
            "servers = ['nats://n1']\nnkey = 'hunter22'",
            "nkey",
            "not the seed",
        ),
        (
            "servers = ['nats://n1']\nnkey = 'UDXB5HYVJ3IDJ6RVXXVEHTMMMZC3FGEQFQ7KXZ5MEQEXJOEXB5RRV3FT'",
            "nkey",
            "not the seed",
        ),
        (
            "servers = ['nats://n1']\ncredentials = '/run/nats.creds'",
            "credentials",
            "the path of a file",
        ),
        (
            "servers = ['nats://n1']\ncredentials = 'hunter22'",
            "credentials",
            "not the text",
        ),
        (
            "servers = ['nats://n1']\ncredentials = '''\nhunter22\nhunter22'''",
            "credentials",
            "holds no user's JWT",
        ),
        (
            "servers = ['nats://n1']\ntls = { certificate = 'c.pem' }",
            "tls.certificate",
            "needs `key`",
        ),
        (
            "servers = ['nats://n1']\ntls = { key = 'k.pem' }",
            "tls.key",
            "needs `certificate`",
        ),
    ] {
        let faults = connection(settings).faults();
        let fault = faults.iter().find(|fault| fault.path == path);
        let fault = fault.unwrap_or_else(|| panic!("{settings}: {faults:?}"));
        assert!(fault.message.contains(words), "{settings}: {fault}");
        assert!(
            !format!("{faults:?}").contains("hunter22"),
            "{settings}: {faults:?}"
        );
    }
}

#[test]
fn secrets_that_cross_a_network_in_plaintext_are_told() {
    let doubts = |settings: &str| -> Vec<String> {
        let doubts = connection(settings).doubts();
        doubts.into_iter().map(|doubt| doubt.path).collect()
    };
    assert_eq!(doubts("servers = ['nats://n1']\ntoken = 's3cr3t'"), ["token"]);
    assert_eq!(
        doubts("servers = ['tls://n1', 'nats://n2']\nuser = 'a'\npassword = 'b'"),
        ["password"]
    );
    for quiet in [
        "servers = ['nats://127.0.0.1']\ntoken = 's3cr3t'".to_owned(),
        "servers = ['tls://n1']\ntoken = 's3cr3t'".to_owned(),
        "servers = ['nats://n1']\ntoken = 's3cr3t'\ntls = {}".to_owned(),
        format!("servers = ['nats://n1']\nnkey = '{SEED}'"),
    ] {
        assert_eq!(doubts(&quiet), Vec::<String>::new(), "{quiet}");
    }
}

#[test]
fn keys_that_others_may_read_are_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::set_permissions(key.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let settings = format!(
        "servers = ['tls://n1']\ntls = {{ certificate = 'c.pem', key = '{}' }}",
        key.path().display()
    );
    let doubts = connection(&settings).doubts();
    assert_eq!(doubts.len(), 1);
    assert_eq!(doubts[0].path, "tls.key");
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!(
        "{:?}",
        connection("servers = ['nats://n1']\nuser = 'ann'\npassword = 'hunter22'")
    );
    assert!(!shown.contains("hunter22"), "{shown}");
}
