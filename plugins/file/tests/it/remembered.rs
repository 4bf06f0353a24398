//! The source's memory of files over restarts.

use std::fs;
use std::time::Duration;

use serde_json::json;
use signalbox_core::{BuildContext, Refused, RefusedCause, Side, SourceConfig};
use signalbox_testkit::IntakeDouble;
use tokio_util::sync::CancellationToken;

use crate::rig::{Read, Rig, lines};

#[tokio::test]
async fn a_finished_file_is_read_again_only_when_asked() {
    let rig = Rig::new();
    rig.write("in", lines(&["a", "b"]));
    let first = rig.read("in").await;
    assert_eq!(first.users, ["a", "b"]);
    assert_eq!(rig.read("in").await, Read::default());
    let asked = rig.read_with("in", true).await;
    // Deduplication recognises the ids for as long as it remembers them.
    assert_eq!(asked, first);
    assert_eq!(rig.read("in").await, Read::default());
}

#[tokio::test]
async fn a_file_that_has_grown_goes_on_where_it_was_left() {
    let rig = Rig::new();
    rig.write("in", lines(&["a", "b"]));
    rig.read("in").await;
    rig.append("in", &(lines(&["c"]) + "no event\n"));
    let more = rig.read("in").await;
    assert_eq!(more.users, ["c"]);
    // Lines are counted from the beginning of the file.
    assert!(more.rejected[0].starts_with("line 4: "), "{more:?}");
    assert_eq!(rig.read("in").await, Read::default());
    // The file is longer than the blocks by which it is recognised.
    let many: Vec<String> = (0..500).map(|n| format!("user-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    rig.append("in", &lines(&many));
    assert_eq!(rig.read("in").await.users, many);
    rig.append("in", &lines(&["z"]));
    assert_eq!(rig.read("in").await.users, ["z"]);
}

#[tokio::test]
async fn a_rotated_file_is_recognised_and_its_successor_is_another() {
    let rig = Rig::new();
    rig.write("in", lines(&["a", "b"]));
    rig.read("in").await;
    fs::rename(rig.path("in"), rig.path("in.1")).unwrap();
    rig.write("in", lines(&["c"]));
    assert_eq!(rig.read("in").await.users, ["c"]);
    assert_eq!(rig.read("in.1").await, Read::default());
    rig.append("in.1", &lines(&["late"]));
    assert_eq!(rig.read("in.1").await.users, ["late"]);
    assert_eq!(rig.read("in").await, Read::default());
    // A copied or restored file has another inode and the same bytes.
    fs::copy(rig.path("in"), rig.path("copy")).unwrap();
    assert_eq!(rig.read("copy").await, Read::default());
}

#[tokio::test]
async fn a_file_written_anew_is_another() {
    let rig = Rig::new();
    rig.write("in", lines(&["a", "b"]));
    let before = rig.read("in").await;
    // The inode stays the same: the file is shorter, then as long, then longer.
    for users in [&["x"][..], &["y", "z"], &["u", "v", "w"]] {
        rig.write("in", lines(users));
        let read = rig.read("in").await;
        assert_eq!(read.users, users);
        assert!(read.ids.iter().all(|id| !before.ids.contains(id)), "{read:?}");
    }
    // Another inode stands under the same name.
    rig.replace("in", &lines(&["1", "2", "3", "4"]));
    assert_eq!(rig.read("in").await.users, ["1", "2", "3", "4"]);
    // The file begins alike, but the bytes before the end of the last reading differ.
    let long = |last: &str| {
        let many: Vec<String> = (0..300).map(|n| format!("user-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).chain([last]).collect();
        lines(&many)
    };
    rig.replace("in", &long("a"));
    assert_eq!(rig.read("in").await.users.len(), 301);
    rig.replace("in", &long("b"));
    assert_eq!(rig.read("in").await.users.len(), 301);
}

#[tokio::test]
async fn what_is_read_again_after_a_crash_has_the_same_ids() {
    let rig = Rig::new();
    let users: Vec<String> = (0..250).map(|n| format!("user-{n}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    rig.write("in", lines(&users));
    // The source is stopped in the middle: the intake takes nothing more, as if the process had died while it waited.
    let (intake, shutdown) = (IntakeDouble::default(), CancellationToken::new());
    intake.refuse(Some(Refused {
        cause: RefusedCause::Full,
        retry_after: Duration::from_millis(1),
    }));
    let path = rig.path("in");
    let waiting = rig.start(&path, false, &intake, &shutdown);
    tokio::select! {
        () = waiting => panic!("it has ended"),
        () = intake.called(1) => {}
    }
    let at_the_beginning = rig.checkpoints.saved();
    let whole = rig.read("in").await;
    assert_eq!(whole.users, users);
    // A crash has undone the checkpoints after the outlet's answers.
    rig.checkpoints.restore(at_the_beginning);
    let again = rig.read("in").await;
    assert_eq!(again, whole);
    let mut different = again.ids.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 250);
}

#[tokio::test]
async fn a_refused_chunk_is_not_taken_for_read() {
    let rig = Rig::new();
    rig.write("in", lines(&["a"]));
    let (intake, shutdown) = (IntakeDouble::default(), CancellationToken::new());
    intake.refuse(Some(Refused {
        cause: RefusedCause::Full,
        retry_after: Duration::ZERO,
    }));
    let path = rig.path("in");
    let stop = async {
        intake.called(1).await;
        shutdown.cancel();
    };
    tokio::join!(rig.start(&path, false, &intake, &shutdown), stop);
    assert_eq!(rig.read("in").await.users, ["a"]);
}

#[tokio::test]
async fn a_last_line_that_is_still_being_written_is_read_when_it_is_whole() {
    let rig = Rig::new();
    let whole = lines(&["a", "b"]);
    let (begun, rest) = whole.split_at(whole.len() - 10);
    rig.write("in", begun);
    let first = rig.read("in").await;
    assert_eq!((first.users.len(), first.rejected.len()), (1, 1), "{first:?}");
    // The rejection was reported once.
    assert_eq!(rig.read("in").await, Read::default());
    rig.append("in", rest);
    let then = rig.read("in").await;
    assert_eq!((then.users, then.rejected.len()), (vec!["b".to_owned()], 0));
    // A line that is an event even without its line break is taken at once, and only once.
    rig.append("in", lines(&["c"]).trim_end());
    assert_eq!(rig.read("in").await.users, ["c"]);
    rig.append("in", &format!("\n{}", lines(&["d"])));
    assert_eq!(rig.read("in").await.users, ["d"]);
}

#[tokio::test]
async fn it_remembers_the_files_read_last() {
    let rig = Rig::new();
    for n in 0..70 {
        rig.write(&format!("in-{n}"), lines(&[&format!("user-{n}")]));
        assert_eq!(rig.read(&format!("in-{n}")).await.users.len(), 1);
    }
    assert!(
        rig.checkpoints.saved().len() <= 65,
        "{}",
        rig.checkpoints.saved().len()
    );
    assert_eq!(rig.read("in-69").await, Read::default());
    // Unreadable checkpoints do no harm.
    rig.checkpoints.shared().save("odd", Some(b"?".to_vec()));
    assert_eq!(rig.read("in-69").await, Read::default());
    assert!(!rig.checkpoints.saved().contains_key("odd"));
}

#[test]
fn standard_input_cannot_be_read_again() {
    let config: Box<dyn SourceConfig> =
        serde_json::from_value(json!({"type": "file", "path": "-", "read_again": true})).unwrap();
    let place = BuildContext {
        name: "backfill".into(),
        place: Side::Source,
    };
    let errors = config.build(&place).err().unwrap();
    assert_eq!(errors[0].path, "read_again");
}

#[tokio::test]
async fn checkpoints_of_versions_that_read_lines_only_go_on_by_lines() {
    let rig = Rig::new();
    rig.write("in", lines(&["a"]));
    rig.read("in").await;
    let mut saved = rig.checkpoints.saved();
    for value in saved.values_mut() {
        let mut checkpoint: serde_json::Value = serde_json::from_slice(value).unwrap();
        assert!(checkpoint.as_object_mut().unwrap().remove("layout").is_some());
        *value = serde_json::to_vec(&checkpoint).unwrap();
    }
    rig.checkpoints.restore(saved);
    // A line that is cut off does not begin a value over several lines.
    rig.append("in", &format!("{{\"type\":\n{}", lines(&["b", "c"])));
    let more = rig.read("in").await;
    assert_eq!(more.users, ["b", "c"]);
    assert!(more.rejected[0].starts_with("line 2: "), "{more:?}");
}
