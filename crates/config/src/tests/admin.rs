//! The settings that say who may ask the admin address.

use signalbox_core::Secret;

use super::{bad, good, pipeline};
use crate::{Role, check_admin};

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
        let faults = check_admin("127.0.0.1:9090".parse().unwrap(), Some(&Secret::new(token)), &[]);
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| (&*fault.path, &*fault.message))
            .collect();
        assert_eq!(faults, [("token", fault)]);
    }
}

#[test]
fn tokens_and_their_names_tell_callers_apart() {
    let token = |name: &str, role: &str, token: &str| {
        format!("[[admin.tokens]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken = \"{token}\"\n")
    };
    let table = "[admin]\nlisten = \"0.0.0.0:9090\"\n";
    let (a, b) = (token("a", "operator", "t1"), token("b.c-d_9", "read", "t2"));
    let config = good(&pipeline(&format!("{table}{a}{b}")));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let tokens = config.admin.unwrap().tokens;
    assert_eq!((tokens[0].role, tokens[1].role), (Role::Operator, Role::Read));
    for (first, second, told) in [
        (
            &*a,
            &*token("a", "read", "t2"),
            "admin.tokens[1].name: another token has this name",
        ),
        (
            &a,
            &token("b", "read", "t1"),
            "admin.tokens[1].token: another name has this token",
        ),
        (
            "token = \"t1\"\n",
            &b.replace("t2", "t1"),
            "admin.tokens[0].token: another name has this token",
        ),
        (
            &a,
            &token("", "read", "t2"),
            "admin.tokens[1].name: must not be empty",
        ),
        (
            &a,
            &token("Ada Okafor", "read", "t2"),
            "admin.tokens[1].name: may hold letters",
        ),
        (
            &a,
            &token("ada@x.example", "read", "t2"),
            "admin.tokens[1].name: may hold letters",
        ),
        (
            &a,
            &token(&"n".repeat(65), "read", "t2"),
            "admin.tokens[1].name: must not be longer",
        ),
        (
            &a,
            &token("token", "read", "t2"),
            "admin.tokens[1].name: this name is taken",
        ),
        (
            &a,
            &token("local", "read", "t2"),
            "admin.tokens[1].name: this name is taken",
        ),
        (
            &a,
            &token("b", "read", " "),
            "admin.tokens[1].token: must not be empty",
        ),
        (
            &a,
            &token("b", "read", "hunter2 x"),
            "admin.tokens[1].token: may hold visible ASCII",
        ),
        (&a, &token("b", "admin", "t2"), "admin.tokens[1].role"),
        (&a, "[[admin.tokens]]\nname = \"b\"\n", "role"),
        ("tokens = \"t\"\n", "", "admin.tokens: "),
    ] {
        let found = bad(&pipeline(&format!("{table}{first}{second}"))).to_string();
        assert!(found.contains(told), "{told}: {found}");
        assert!(!found.contains("hunter2"), "{found}");
    }
    let doubts = good(&pipeline(&format!("{table}{b}"))).warnings;
    let doubts: Vec<_> = doubts.iter().map(ToString::to_string).collect();
    assert!(
        doubts.len() == 1 && doubts[0].starts_with("admin.tokens: no token may act"),
        "{doubts:?}"
    );
}
