//! `${…}` in strings.

use super::{Fixture, bad_with, env, good_with, pipeline};
use crate::{Environment, ProcessEnvironment};

/// The account as it arrives when the file has `written`.
fn account(written: &str, environment: &Fixture) -> String {
    let text = pipeline("").replace("\"a1\"", &format!("'{written}'"));
    let settings = format!("{:?}", good_with(&text, environment).sinks[0].config);
    let rest = settings
        .split_once("account: \"")
        .map(|(_, rest)| rest)
        .unwrap_or_default();
    rest.split_once("\", token")
        .map(|(account, _)| account.to_owned())
        .unwrap_or_default()
}

#[test]
fn replaces_in_strings() {
    let mut environment = env(&[("A", "x"), ("B_2", "y"), ("EMPTY", ""), ("TWICE", "${A}")]);
    environment.files = [
        ("/s", "secret\n"),
        ("/crlf", "secret\r\n"),
        ("/two", "a\n\n"),
        ("/none", ""),
    ]
    .into();
    for (written, expected) in [
        ("plain", "plain"),
        ("${A}", "x"),
        ("a${A}b${B_2}c", "axbyc"),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${GONE:-d}", "d"),
        ("${GONE:-}", ""),
        ("${A:-d}", "x"),
        ("${GONE:-a:-b}", "a:-b"),
        ("${file:/s}", "secret"),
        ("${file:/crlf}", "secret"),
        ("${file:/two}", "a\\n"),
        ("<${file:/none}>", "<>"),
        ("$${A}", "${A}"),
        ("$$${A}", "$x"),
        ("$$$$", "$$"),
        ("$.properties.$5 $", "$.properties.$5 $"),
        // An interpolated value is not interpolated again.
        ("${TWICE}", "${A}"),
    ] {
        assert_eq!(account(written, &environment), expected, "{written}");
    }
}

#[test]
fn what_is_put_in_is_never_syntax() {
    let environment = env(&[("A", "\"\ntest = true\n[sinks.b]\n#")]);
    let config = good_with(&pipeline("").replace("a1", "${A}"), &environment);
    assert_eq!(config.sinks.len(), 1);
    // Nor are keys touched.
    assert!(
        bad_with(&pipeline("\"${A}\" = 1\n"), &environment)
            .to_string()
            .contains("unknown field '${A}'")
    );
}

#[test]
fn may_answer_for_numbers_and_booleans() {
    let environment = env(&[("N", "7"), ("F", "2.5"), ("T", "true"), ("D", "5s")]);
    let config = good_with(
        &pipeline(
            "concurrency = \"${N}\"\nfactor = \"${F}\"\ntest = \"${T}\"\nlinger = \"${D}\"\n\
             retry_timeouts_of_offline = \"${NO:-false}\"\nbatch = { max_events = \"1${N}\" }\n",
        ),
        &environment,
    );
    let keys = &config.sinks[0].runtime;
    assert_eq!(keys.concurrency.map(std::num::NonZeroUsize::get), Some(7));
    assert_eq!(keys.batch.max_events.map(std::num::NonZeroUsize::get), Some(17));
    assert_eq!(keys.retry_timeouts_of_offline, Some(false));
    let settings = format!("{:?}", config.sinks[0].config);
    assert!(
        settings.contains("test: true, factor: Some(2.5), linger: Some(5s)"),
        "{settings}"
    );

    // A string that is only a string does not.
    let errors = bad_with(&pipeline("concurrency = \"7\"\n"), &environment);
    assert!(
        errors
            .to_string()
            .contains("expected an integer from 1, found a string\n"),
        "{errors}"
    );
    // And one that is no number is none.
    let errors = bad_with(
        &pipeline("concurrency = \"${D}\"\ntest = \"${N}\"\n"),
        &environment,
    );
    assert!(
        errors
            .to_string()
            .contains("sinks.pin.concurrency: expected an integer from 1, found a string that is not")
    );
    assert!(
        errors
            .to_string()
            .contains("sinks.pin.test: expected a boolean, found a string")
    );
}

#[test]
fn errors_stand_at_the_reference() {
    let environment = env(&[("A", "x")]);
    for (written, expected) in [
        (
            "\"ä${A} ${PIN_TOKEN}\"",
            "sinks.pin.token: the environment variable 'PIN_TOKEN' is not set\n  --> p.toml:7:16\n  help: set \
             PIN_TOKEN, or give a default: ${PIN_TOKEN:-default}",
        ),
        (
            "\"${file:/run/secrets/pin}\"",
            "sinks.pin.token: the file \"/run/secrets/pin\" cannot be read: no such file\n  --> p.toml:7:10\n  help: \
             name a regular file that the user signalbox runs as may read",
        ),
        (
            "\"${file:}\"",
            "sinks.pin.token: '${file:}' names no file\n  --> p.toml:7:10\n  help: write ${file:/path/to/the/secret}",
        ),
        (
            "\"a${A\"",
            "sinks.pin.token: '${' without a closing '}'\n  --> p.toml:7:11\n  help: write ${VARIABLE}, or $$ for a \
             dollar sign",
        ),
        (
            "'${my-token}'",
            "sinks.pin.token: this is not the name of a variable: letters, digits and '_', not beginning with a \
             digit\n  --> p.toml:7:10\n  help: write ${VARIABLE}, ${VARIABLE:-default} or ${file:/path}; $$ for a \
             dollar sign",
        ),
    ] {
        let errors = bad_with(&pipeline(&format!("token = {written}\n")), &environment);
        assert_eq!(
            errors.to_string(),
            format!("{expected}\n\n1 error in p.toml"),
            "{written}"
        );
    }
}

#[test]
fn a_failed_one_hides_no_other_error_and_makes_none() {
    let text = pipeline("token = \"${ONE} and ${TWO}\"\nlinger = \"${THREE}\"\nfactor = \"much\"\nfoo = 1\n");
    let errors = bad_with(
        &text
            .replace("[\"web\"]", "[\"${FOUR}\"]")
            .replace("\"probe_source\"", "\"${FIVE}\""),
        &env(&[]),
    );
    let short: Vec<String> = errors
        .as_slice()
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one.path,
                one.message.split(',').next().unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            "sources.web.type the environment variable 'FIVE' is not set",
            "sinks.pin.inputs[0] the environment variable 'FOUR' is not set",
            "sinks.pin.token the environment variable 'ONE' is not set",
            "sinks.pin.token the environment variable 'TWO' is not set",
            "sinks.pin.linger the environment variable 'THREE' is not set",
            "sinks.pin.factor expected a number",
            "sinks.pin.foo unknown field 'foo'",
        ]
    );
}

#[test]
fn the_process_reads_files_of_a_sensible_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path.display().to_string()
    };
    assert_eq!(
        ProcessEnvironment.file(&write("small", b"token\n")),
        Ok("token\n".to_owned())
    );
    assert_eq!(
        ProcessEnvironment.file(&write("binary", b"\xff")),
        Err("it is not UTF-8".to_owned())
    );
    let large = vec![b'a'; (1 << 20) + 1];
    assert_eq!(
        ProcessEnvironment.file(&write("large", &large)),
        Err("it is larger than 1 MiB".to_owned())
    );
    assert!(
        ProcessEnvironment
            .file(&folder.path().join("gone").display().to_string())
            .is_err()
    );
    assert_eq!(
        ProcessEnvironment.variable("SIGNALBOX_A_VARIABLE_NOBODY_SETS"),
        Ok(None)
    );
}
