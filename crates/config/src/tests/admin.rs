//! The settings that say who may ask the admin address.

use signalbox_core::Secret;

use super::{bad, good, pipeline};
use crate::check_admin;

#[test]
fn hosts_are_names_without_anything_around_them() {
    let config = good(&pipeline(
        "[admin]\nlisten = \"127.0.0.1:9090\"\nhosts = [\"signalbox.internal\", \"ops\"]\n",
    ));
    assert_eq!(config.admin.unwrap().hosts, ["signalbox.internal", "ops"]);
    for host in ["http://ops.example", "ops.example:9090", "ops/", ""] {
        let listen = "[admin]\nlisten = \"127.0.0.1:9090\"\n";
        let found = bad(&pipeline(&format!("{listen}hosts = [\"ok\", \"{host}\"]\n"))).to_string();
        assert!(
            found.contains("admin.hosts: expected names of hosts"),
            "{host}: {found}"
        );
        assert!(
            found.contains("leave out http://, port and path"),
            "{host}: {found}"
        );
    }
}

#[test]
fn plaintext_that_no_token_protects_is_told() {
    let warnings = |token: &str| {
        let plain = "[journal]\ntype = \"memory\"\n[dead_letters]\npersonal_data = \"plain\"\n";
        let config = good(&pipeline(&format!(
            "{plain}[admin]\nlisten = \"127.0.0.1:9090\"\n{token}"
        )));
        config
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert!(warnings("token = \"t0ken\"\n").is_empty());
    let told = warnings("").join("\n");
    assert!(
        told.contains("dead_letters.personal_data") && told.contains("set admin.token"),
        "{told}"
    );
}

#[test]
fn only_loopback_goes_without_a_token() {
    for loopback in [
        "127.0.0.1:9090",
        "127.8.8.8:1",
        "[::1]:9090",
        "[::ffff:127.0.0.1]:9090",
    ] {
        good(&pipeline(&format!("[admin]\nlisten = \"{loopback}\"\n")));
    }
    for open in [
        "0.0.0.0:9090",
        "[::]:9090",
        "10.0.0.1:9090",
        "[::ffff:10.0.0.1]:9090",
    ] {
        let table = format!("[admin]\nlisten = \"{open}\"\n");
        let found = bad(&pipeline(&table)).to_string();
        assert!(
            found.contains("admin.listen: an address that other machines can reach needs a token"),
            "{found}"
        );
        good(&pipeline(&format!("{table}token = \"t0ken\"\n")));
    }
}

#[test]
fn a_token_is_one_that_a_header_can_carry() {
    for (token, fault) in [
        (" ", "must not be empty"),
        (
            "hunter2 é",
            "may hold visible ASCII characters only, without spaces",
        ),
    ] {
        let table = format!("[admin]\nlisten = \"127.0.0.1:9090\"\ntoken = \"{token}\"\n");
        let found = bad(&pipeline(&table)).to_string();
        assert!(found.contains(&format!("admin.token: {fault}")), "{found}");
        assert!(!found.contains("hunter2"), "{found}");
        let error = check_admin("127.0.0.1:9090".parse().unwrap(), Some(&Secret::new(token))).unwrap_err();
        assert_eq!((&*error.path, &*error.message), ("token", fault));
    }
}
