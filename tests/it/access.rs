//! Rights at the admin address: tokens with names and roles, through the program and its commands.

use std::path::PathBuf;

use crate::support::process::run;
use crate::support::world::{World, shop};

const READER: &str = "zq-reader-token-51c2";
const OPERATOR: &str = "zq-operator-token-77aa";

/// Makes a table of a token.
fn token(name: &str, role: &str, token: &str) -> String {
    format!("[[admin.tokens]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken = \"{token}\"\n")
}

/// Writes a pipeline file whose admin address has these tokens.
fn file(world: &World, name: &str, tokens: &[String]) -> PathBuf {
    let admin = format!("[admin]\nlisten = \"${{ADMIN}}\"\n{}", tokens.concat());
    world.write(name, &shop(&admin, "", ""))
}

#[tokio::test]
async fn a_readers_commands_read_and_are_told_why_they_cannot_act() {
    let world = World::new().await;
    let reader = token("media-team", "read", READER);
    let both = [reader.clone(), token("on-call", "operator", OPERATOR)];
    let config = file(&world, "p.toml", &both);
    let process = world.router(&config).await;
    let mine = file(&world, "mine.toml", &[reader]);
    let mine = mine.to_str().unwrap();
    let ask = async |arguments: &[&str], config: &str| {
        let arguments = [arguments, &["--config", config]].concat();
        run(&arguments, &world.variables()).await
    };
    for arguments in [&["status"][..], &["deadletters", "list"], &["report"]] {
        let exit = ask(arguments, mine).await;
        assert_eq!(exit.code, Some(0), "{arguments:?}: {exit:?}");
    }
    for arguments in [
        &["deadletters", "discard", "--yes"][..],
        &["deadletters", "retry"],
        &["resend", "--message-id", "m1"],
    ] {
        let exit = ask(arguments, mine).await;
        assert_ne!(exit.code, Some(0), "{arguments:?}: {exit:?}");
        assert!(
            exit.stderr.contains("the role \"read\"") && exit.stderr.contains("[[admin.tokens]]"),
            "{arguments:?}: {exit:?}"
        );
    }
    let exit = ask(&["deadletters", "discard", "--yes"], config.to_str().unwrap()).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let log = process.stderr();
    assert!(!log.contains(READER) && !log.contains(OPERATOR), "{log}");
}

#[tokio::test]
async fn acts_are_in_the_audit_log_beside_the_journal() {
    let world = World::new().await;
    let tokens = [
        token("media-team", "read", READER),
        token("on-call", "operator", OPERATOR),
    ];
    let config = file(&world, "p.toml", &tokens);
    let process = world.router(&config).await;
    let exit = run(
        &[
            "deadletters",
            "discard",
            "--yes",
            "--config",
            config.to_str().unwrap(),
        ],
        &world.variables(),
    )
    .await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let found = std::fs::read_dir(world.folder.path()).unwrap();
    let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let audit = names
        .filter(|name| name.ends_with("-audit.jsonl"))
        .next()
        .unwrap();
    let text = std::fs::read_to_string(world.path(&audit)).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["who"], &line["action"], &line["status"]),
        (&"on-call".into(), &"discard".into(), &200.into()),
        "{text}"
    );
    assert!(!text.contains(OPERATOR), "{text}");
    drop(process);
}
