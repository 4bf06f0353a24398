//! A journal with a key: its files show no personal data, also after kills, and a start without the key changes nothing.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signalbox_core::JournalKey;
use signalbox_sandbox::{Faults, Unavailable};

use super::letters::failing;
use super::{Rig, pipeline, values};
use crate::support::client::post_all;
use crate::support::events::{ids, order};
use crate::support::files::contents;
use crate::support::process::run;

/// Texts that stand in the events, at paths that `hash_pii` knows and at others.
const CANARIES: [&str; 8] = [
    "canary.mail@example.com",
    "Canaryfirst",
    "canary-id-4711",
    "canary-order",
    "+4917012345678",
    "canary-in-an-unlisted-path",
    "canary-in-a-key",
    "canary-in-a-url",
];

const SEALED: &str = "[journal]\nkey = \"${JOURNAL_KEY}\"\n[dead_letters]\npersonal_data = \"plain\"\n";

fn event(n: usize) -> Value {
    let mut event = order(&format!("canary-id-4711-{n}"));
    event["context"]["traits"] =
        json!({ "email": CANARIES[0], "firstName": CANARIES[1], "phone": CANARIES[4] });
    event["properties"]["order_id"] = json!(format!("canary-order-{n}"));
    event["properties"]["note"] = json!({ "deep": [CANARIES[5]], "canary-in-a-key": true });
    event["context"]["page"] =
        json!({ "url": "https://shop.example/canary-in-a-url?mail=canary.mail@example.com" });
    event
}

/// The pipeline, which hashes nothing: events reach the journal as they came.
fn unhashed(top: &str) -> String {
    pipeline(top, "retry.for = \"1h\"")
}

/// The canaries in the files of a folder, with the file.
fn found(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in contents(folder) {
        let held = CANARIES
            .iter()
            .filter(|text| memchr::memmem::find(&bytes, text.as_bytes()).is_some());
        found.extend(held.map(|text| format!("{text} in {}", path.display())));
    }
    found
}

/// The files of a journal except the lock, which names the process that looked at it last.
fn unlocked(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = contents(folder);
    all.retain(|(path, _)| !path.ends_with("LOCK"));
    all
}

#[tokio::test]
async fn nothing_personal_is_on_disk_over_kills_and_the_events_are_delivered() {
    let mut rig = Rig::start_with(&unhashed(SEALED)).await;
    let folder = rig.world.path("signalbox-journal");
    rig.world.sandbox.set_faults(Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    });
    for round in 0..3 {
        post_all(
            &rig.world.listen,
            &(round * 50..round * 50 + 50).map(event).collect::<Vec<_>>(),
        )
        .await;
        assert_eq!(found(&folder), Vec::<String>::new(), "round {round}");
        rig.kill();
        assert_eq!(found(&folder), Vec::<String>::new(), "round {round}, killed");
        rig.again().await;
    }
    rig.world.sandbox.set_faults(Faults::default());
    rig.settled().await;
    rig.world.sandbox.set_faults(failing(1));
    post_all(&rig.world.listen, &[event(900)]).await;
    rig.settled().await;
    // An event sent again is known by its hash.
    post_all(&rig.world.listen, &[event(0)]).await;
    rig.wait(|status| status.sources["shop"].duplicate == 1).await;
    let letters = rig.lines(&["deadletters", "list"]).await;
    assert_eq!(letters.len(), 1);
    rig.stop().await;
    assert_eq!(found(&folder), Vec::<String>::new());
    let sent: Vec<Value> = (0..150).map(event).collect();
    let mut delivered = values(&rig.world.accepted(), "event_id");
    delivered.dedup();
    assert_eq!(delivered, ids(&sent, "messageId"));
    // Commands open a stopped journal with the key of the file.
    assert_eq!(rig.lines(&["deadletters", "list"]).await.len(), letters.len());
    rig.told(&["journal", "compact"]).await;
}

#[tokio::test]
async fn a_start_without_the_right_key_names_it_and_changes_nothing() {
    let mut rig = Rig::start_with(&unhashed(SEALED)).await;
    post_all(&rig.world.listen, &(0..20).map(event).collect::<Vec<_>>()).await;
    rig.kill();
    let folder = rig.world.path("signalbox-journal");
    let before = unlocked(&folder);
    let other = JournalKey::new([8; 32]).to_text();
    for (key, remedy) in [
        (None, "set journal.key"),
        (Some(other.as_str()), "list the key with this id as well"),
    ] {
        let top = key.map_or_else(String::new, |key| format!("[journal]\nkey = \"{key}\"\n"));
        rig.write(&unhashed(&top));
        let exit = rig.command(&["run"]).await;
        assert_eq!(exit.code, Some(1), "{exit:?}");
        for part in [
            remedy,
            "Nothing was changed",
            folder.file_name().unwrap().to_str().unwrap(),
        ] {
            assert!(exit.stderr.contains(part), "{exit:?}");
        }
        assert!(!exit.stderr.contains(&other) && before == unlocked(&folder));
    }
    // After a rotation both are listed.
    rig.write(&unhashed(&format!(
        "[journal]\nkey = [\"{other}\", \"${{JOURNAL_KEY}}\"]\n"
    )));
    rig.again().await;
    rig.settled().await;
    // The old key may go once its files have gone.
    let seal = rig.asked().await.journal.seal.unwrap();
    assert!(
        seal.older_key_files > 0 && seal.unneeded_keys.is_empty(),
        "{seal:?}"
    );
    assert_eq!(seal.keys.len(), 2, "keys.bin needs the new one: {seal:?}");
    let told = rig.told(&["status"]).await;
    assert!(told.contains(" of them are under an older key"), "{told}");
    rig.stop().await;
}

#[tokio::test]
async fn a_journal_without_a_key_says_once_what_is_in_plain_and_gets_one_later() {
    let mut rig = Rig::start_with(&unhashed("")).await;
    let told = "the journal has no key";
    rig.router().logged(told).await;
    post_all(&rig.world.listen, &[event(1)]).await;
    let seal = rig.settled().await.journal.seal.unwrap();
    assert!(!seal.sealed && seal.plain_event_bytes > 0, "{seal:?}");
    assert_eq!(rig.router().stderr().matches(told).count(), 1);
    rig.stop().await;
    let folder = rig.world.path("signalbox-journal");
    assert!(!found(&folder).is_empty());
    rig.write(&unhashed(
        "[journal]\nkey = \"${JOURNAL_KEY}\"\nretain = \"0s\"\n",
    ));
    rig.again().await;
    post_all(&rig.world.listen, &[event(2)]).await;
    let seal = rig.settled().await.journal.seal.unwrap();
    assert!(seal.sealed && seal.plain_id_bytes > 0, "{seal:?}");
    assert_eq!((seal.keys.len(), seal.plain_dead_letter_bytes), (1, 0));
    assert!(!rig.router().stderr().contains(told));
    rig.stop().await;
    let plain = found(&folder);
    assert!(
        plain
            .iter()
            .all(|text| text.contains("ids-") || text.contains("frames-0000000000000000000")),
        "{plain:?}"
    );
    let variables = rig.world.variables();
    let exit = run(
        &["status", "--config", rig.config().to_str().unwrap()],
        &variables,
    )
    .await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.stdout.contains("The journal is sealed"), "{exit:?}");
}
