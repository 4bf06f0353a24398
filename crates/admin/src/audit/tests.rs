use std::fs;

use signalbox_config::Role;
use tempfile::TempDir;

use super::*;

fn caller() -> Caller {
    Caller {
        name: "on-call".into(),
        role: Role::Operator,
    }
}

fn act(audit: &Audit, action: &str) {
    audit.record(Act {
        caller: Some(&caller()),
        from: "127.0.0.1".to_owned(),
        action,
        deed: Deed::default().count("letters", 3).word("kind", "email"),
        status: 200,
        waits: true,
    });
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    (folder, path)
}

fn numbers(audit: &Audit) -> Vec<u64> {
    let page = audit.page(None, usize::MAX).unwrap();
    page.entries.iter().map(|entry| entry.n).collect()
}

#[test]
fn a_line_says_who_did_what() {
    let (_folder, path) = place();
    let audit = Audit::open(&path).unwrap();
    act(&audit, "retry");
    let text = fs::read_to_string(&path).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
    let at = line["at"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.parse::<Timestamp>().is_ok(), "{at}");
    let mut wanted = serde_json::json!({
        "n": 1, "who": "on-call", "role": "operator", "from": "127.0.0.1", "action": "retry",
        "facts": {"letters": 3, "kind": "email"}, "status": 200, "result": "done",
    });
    wanted["at"] = at.into();
    assert_eq!(line, wanted);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}

#[test]
fn numbers_go_on_behind_a_torn_line() {
    let (_folder, path) = place();
    act(&Audit::open(&path).unwrap(), "retry");
    let mut text = fs::read(&path).unwrap();
    text.extend(b"{\"n\":2,\"at\":\"20");
    fs::write(&path, text).unwrap();
    let audit = Audit::open(&path).unwrap();
    act(&audit, "discard");
    assert_eq!(numbers(&audit), [2, 1]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
}

#[test]
fn pages_go_back_through_both_files() {
    let (_folder, path) = place();
    let audit = Audit::open(&path).unwrap();
    for _ in 0..5 {
        act(&audit, "retry");
    }
    // A file that is full.
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str(&" ".repeat(usize::try_from(file::FULL).unwrap()));
    text.push('\n');
    fs::write(&path, text).unwrap();
    drop(audit);
    let audit = Audit::open(&path).unwrap();
    for _ in 0..3 {
        act(&audit, "discard");
    }
    assert!(fs::metadata(&path).unwrap().len() < 10_000);
    let (mut next, mut found) = (None, Vec::new());
    loop {
        let page = audit.page(next, 3).unwrap();
        assert!(page.entries.len() <= 3);
        found.extend(page.entries.iter().map(|entry| entry.n));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(found, [8, 7, 6, 5, 4, 3, 2, 1]);
    // One file is kept.
    let before = fs::read_to_string(file::before(&path)).unwrap();
    assert_eq!(before.matches("retry").count(), 5);
}

#[test]
fn a_file_that_is_moved_away_or_deleted_is_made_again() {
    let (folder, path) = place();
    let audit = Audit::open(&path).unwrap();
    act(&audit, "retry");
    fs::rename(&path, folder.path().join("old")).unwrap();
    act(&audit, "retry");
    fs::remove_file(&path).unwrap();
    act(&audit, "retry");
    assert_eq!(audit.ready(), Ok(()));
    assert_eq!(numbers(&audit), [3]);
}

#[test]
fn acts_are_refused_until_every_line_is_written() {
    let (folder, _) = place();
    let inner = folder.path().join("gone");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("audit.jsonl");
    let audit = Audit::open(&path).unwrap();
    act(&audit, "retry");
    assert_eq!(audit.ready(), Ok(()));
    fs::remove_dir_all(&inner).unwrap();
    act(&audit, "discard");
    let why = audit.ready().unwrap_err();
    assert!(why.contains("audit.jsonl cannot be written"), "{why}");
    assert_eq!(audit.status().failing, Some(why));
    fs::create_dir(&inner).unwrap();
    assert_eq!(audit.ready(), Ok(()));
    assert_eq!(audit.status().failing, None);
    assert_eq!(numbers(&audit), [2]);
}

#[test]
fn a_disk_that_takes_nothing_is_no_fault_of_the_path() {
    use std::io::{Error, ErrorKind};
    for (kind, of_the_disk) in [
        (ErrorKind::StorageFull, true),
        (ErrorKind::QuotaExceeded, true),
        (ErrorKind::ReadOnlyFilesystem, true),
        (ErrorKind::NotFound, false),
        (ErrorKind::PermissionDenied, false),
        (ErrorKind::IsADirectory, false),
    ] {
        assert_eq!(file::is_of_the_disk(&Error::from(kind)), of_the_disk, "{kind}");
    }
}

#[test]
fn a_path_that_cannot_be_opened_is_told() {
    let (folder, _) = place();
    let told = Audit::open(&folder.path().join("no/audit.jsonl")).unwrap_err();
    assert!(
        told.contains("no/audit.jsonl cannot be opened") && told.contains("admin.audit"),
        "{told}"
    );
}

#[test]
fn a_line_says_why_an_act_was_not_done() {
    let (_folder, path) = place();
    let audit = Audit::open(&path).unwrap();
    for (status, result, reason) in [
        (200, AuditResult::Done, None),
        (303, AuditResult::Done, None),
        (400, AuditResult::Refused, Some("bad_request")),
        (403, AuditResult::Refused, Some("forbidden")),
        (405, AuditResult::Refused, Some("method_not_allowed")),
        (409, AuditResult::Refused, Some("conflict")),
        (418, AuditResult::Refused, Some("im_a_teapot")),
        (499, AuditResult::Refused, Some("unknown_status")),
        (500, AuditResult::Failed, Some("internal_server_error")),
    ] {
        audit.record(Act {
            caller: Some(&caller()),
            from: "127.0.0.1".to_owned(),
            action: "retry",
            deed: Deed::default(),
            status,
            waits: true,
        });
        let entry = audit.page(None, 1).unwrap().entries.remove(0);
        assert_eq!(
            (entry.result, entry.reason.as_deref()),
            (Some(result), reason),
            "{status}"
        );
    }
    let old = r#"{"n":1,"at":"2026-11-29T21:12:36Z","from":"10.0.0.7","action":"sign_in","status":401}"#;
    let old: AuditEntry = serde_json::from_str(old).unwrap();
    assert_eq!((old.result, old.reason), (None, None));
}
