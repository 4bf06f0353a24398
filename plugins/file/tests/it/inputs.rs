//! The forms of input: folders and patterns, gzip, lists, values over several lines, batches.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use signalbox_core::{Refused, RefusedCause};
use signalbox_testkit::IntakeDouble;
use tokio_util::sync::CancellationToken;

use crate::rig::{Read, Rig, lines, read_by};

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn pages(users: &[&str]) -> Vec<Value> {
    users
        .iter()
        .map(|user| json!({"type": "page", "userId": user}))
        .collect()
}

/// Builds values over several lines.
fn pretty(users: &[&str]) -> String {
    pages(users)
        .iter()
        .map(|page| serde_json::to_string_pretty(page).unwrap() + "\n")
        .collect()
}

fn pretty_list(users: &[&str]) -> String {
    serde_json::to_string_pretty(&pages(users)).unwrap()
}

#[tokio::test]
async fn a_folder_is_read_file_by_file_in_the_order_of_names() {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("in/deeper")).unwrap();
    rig.write("in/b.json", pretty_list(&["b1", "b2"]));
    rig.write("in/a.jsonl", lines(&["a1", "a2"]));
    rig.write("in/c.anything", gzip(&pretty(&["c1", "c2"])));
    rig.write("in/.hidden", lines(&["hidden"]));
    rig.write("in/deeper/d.jsonl", lines(&["deeper"]));
    let all = rig.read("in").await;
    assert_eq!(all.users, ["a1", "a2", "b1", "b2", "c1", "c2"]);
    assert_eq!(all.rejected, [""; 0]);
    assert_eq!(rig.read("in").await, Read::default());
    // The next start reads new files and appended lines.
    rig.write("in/aa.jsonl", lines(&["aa"]));
    rig.append("in/a.jsonl", &lines(&["a3"]));
    assert_eq!(rig.read("in").await.users, ["a3", "aa"]);
    assert_eq!(rig.read("in/*.jsonl").await, Read::default());
    assert_eq!(rig.read("in/**/d*").await.users, ["deeper"]);
    // The files have the same ids, also when they are found another way.
    let again = rig.read_with("in/[abc].*", true).await;
    assert_eq!(again.ids[..2], all.ids[..2]);
    assert_eq!(again.ids[3..], all.ids[2..]);
}

#[tokio::test]
async fn an_empty_folder_and_more_files_than_are_remembered_do_no_harm() {
    let rig = Rig::new();
    fs::create_dir(rig.path("in")).unwrap();
    assert_eq!(rig.read("in").await, Read::default());
    for n in 0..70 {
        rig.write(&format!("in/{n:02}"), lines(&[&format!("user-{n}")]));
    }
    assert_eq!(rig.read("in").await.users.len(), 70);
    assert_eq!(rig.read("in").await, Read::default());
}

#[tokio::test]
async fn files_that_begin_alike_are_different_files() {
    let rig = Rig::new();
    fs::create_dir(rig.path("in")).unwrap();
    rig.write("in/a", lines(&["x"]));
    rig.write("in/b", lines(&["x", "y"]));
    let all = rig.read("in").await;
    assert_eq!(all.users, ["x", "x", "y"]);
    assert_ne!(all.ids[0], all.ids[1]);
    assert_eq!(rig.read("in").await, Read::default());
    // A renamed one is recognised.
    fs::rename(rig.path("in/b"), rig.path("in/c")).unwrap();
    rig.append("in/c", &lines(&["z"]));
    assert_eq!(rig.read("in").await.users, ["z"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_keeps_no_other_from_being_read() {
    let rig = Rig::new();
    fs::create_dir(rig.path("in")).unwrap();
    let whole = gzip(&lines(&["a1", "a2"]));
    rig.write("in/a.gz", &whole[..whole.len() - 4]);
    rig.write("in/b", lines(&["b"]));
    let (intake, stop) = (IntakeDouble::default(), CancellationToken::new());
    let error = rig
        .try_start(&rig.path("in"), false, &intake, &stop)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("a.gz"), "{error}");
    let cut = read_by(&intake);
    assert_eq!(cut.users.last().unwrap(), "b");
    // Once it is whole it is read from its beginning, with the same ids.
    rig.write("in/a.gz", &whole);
    let then = rig.read("in").await;
    assert_eq!(then.users, ["a1", "a2"]);
    assert!(then.ids.starts_with(&cut.ids[..cut.ids.len() - 1]));
    assert_eq!(rig.read("in").await, Read::default());
}

#[tokio::test]
async fn an_interrupted_compressed_file_is_read_again_with_the_same_ids() {
    let rig = Rig::new();
    let users: Vec<String> = (0..250).map(|n| format!("user-{n}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    rig.write("in.gz", gzip(&lines(&users)));
    let (intake, shutdown) = (IntakeDouble::default(), CancellationToken::new());
    intake.refuse(Some(Refused {
        cause: RefusedCause::Full,
        retry_after: Duration::from_millis(1),
    }));
    let path = rig.path("in.gz");
    let stop = async {
        intake.called(1).await;
        shutdown.cancel();
    };
    tokio::join!(rig.start(&path, false, &intake, &shutdown), stop);
    let whole = rig.read("in.gz").await;
    assert_eq!(whole.users, users);
    assert_eq!(rig.read("in.gz").await, Read::default());
    // Another member was appended.
    let mut more = fs::read(&path).unwrap();
    more.extend(gzip(&lines(&["more"])));
    rig.write("in.gz", more);
    let then = rig.read("in.gz").await;
    assert_eq!(then.ids[..250], whole.ids[..]);
    assert_eq!(then.users[250..], ["more"]);
    assert_eq!(rig.read("in.gz").await, Read::default());
}

#[tokio::test]
async fn values_over_lines_go_on_where_reading_was_left() {
    let rig = Rig::new();
    for (name, written) in [
        ("pretty", pretty(&["a", "b", "c"])),
        ("list", pretty_list(&["a", "b", "c"])),
    ] {
        // The writer has stopped in the middle of the second value.
        let middle = written.find("\"b\"").unwrap();
        rig.write(name, &written[..middle]);
        let begun = rig.read(name).await;
        assert_eq!((begun.users.len(), begun.rejected.len()), (1, 1), "{begun:?}");
        assert!(begun.rejected[0].starts_with("line "), "{begun:?}");
        assert_eq!(rig.read(name).await, Read::default());
        rig.append(name, &written[middle..]);
        let rest = rig.read(name).await;
        assert_eq!(rest.users, ["b", "c"], "{name}");
        assert_eq!(rest.rejected, [""; 0]);
        let again = rig.read_with(name, true).await;
        assert_eq!(again.ids, [begun.ids, rest.ids].concat());
    }
}

#[tokio::test]
async fn a_broken_value_loses_nothing_else() {
    let rig = Rig::new();
    let broken = pretty_list(&["a", "b", "c"]).replace("\"b\"", "");
    rig.write("list", broken);
    rig.write("first", format!("{{\"type\":\n{}", lines(&["x", "y"])));
    let list = rig.read("list").await;
    assert_eq!(list.users, ["a", "c"]);
    assert_eq!(list.rejected.len(), 1);
    assert!(list.rejected[0].starts_with("line 6: "), "{list:?}");
    let first = rig.read("first").await;
    assert_eq!(first.users, ["x", "y"]);
    assert!(first.rejected[0].starts_with("line 1: "), "{first:?}");
}

#[tokio::test]
async fn a_body_of_batch_is_its_events() {
    let rig = Rig::new();
    let mut batch = json!({"batch": pages(&["a", "b"]), "writeKey": "key"});
    batch["batch"][1] = json!({"type": "page"});
    batch["batch"].as_array_mut().unwrap().extend(pages(&["c"]));
    rig.write("in", format!("{batch}\n{}", lines(&["d"])));
    let read = rig.read("in").await;
    assert_eq!(read.users, ["a", "c", "d"]);
    assert!(
        read.rejected[0].starts_with("line 1: event 2 of a batch: "),
        "{read:?}"
    );
    let again = rig.read_with("in", true).await;
    assert_eq!(again, read);
    let mut ids = read.ids.clone();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
