//! The settings that say who may ask the admin address.

use super::{bad, good, pipeline};

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
        let plain = "[dead_letters]\npersonal_data = \"plain\"\n";
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
