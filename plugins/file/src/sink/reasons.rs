//! Every reason and warning this sink gives. They never name the path: it may tell more than a metric or a log should.

use std::io::{Error, ErrorKind};

use signalbox_core::Reason;

/// The reason for an error that only the operator can mend; `None` for one that may pass.
pub(super) fn operator_must_act(error: &Error) -> Option<Reason> {
    let (code, message) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => (
            "folder_missing",
            "the folder of `path` does not exist; create it, and delivery goes on by itself",
        ),
        ErrorKind::PermissionDenied => (
            "not_writable",
            "`path` may not be written; let the user that Signalbox runs as write the file and its folder",
        ),
        ErrorKind::ReadOnlyFilesystem => (
            "not_writable",
            "`path` is on a file system that is mounted read-only",
        ),
        ErrorKind::IsADirectory | ErrorKind::InvalidInput => (
            "not_a_file",
            "`path` names something that is no regular file; give the sink a path of its own",
        ),
        _ => return None,
    };
    Some(Reason::new(code, message))
}

/// The warning that counts a file deleted by rotation.
pub(super) fn file_deleted() -> Reason {
    Reason::new(
        "rotated_file_deleted",
        "rotation deleted the oldest file that was set aside",
    )
}

/// The reason for an error that may pass.
pub(super) fn try_later(error: &Error) -> Reason {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Reason::new(
            "disk_full",
            "no space left for `path`; delivery goes on when there is some",
        ),
        kind => Reason::new("write_failed", format!("`path` could not be written: {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_retried_and_a_missing_folder_held() {
        let error = |kind: ErrorKind| Error::from(kind);
        let held = |kind| operator_must_act(&error(kind)).map(|reason| reason.code().to_owned());
        assert_eq!(held(ErrorKind::NotFound).as_deref(), Some("folder_missing"));
        assert_eq!(held(ErrorKind::PermissionDenied).as_deref(), Some("not_writable"));
        assert_eq!(
            held(ErrorKind::ReadOnlyFilesystem).as_deref(),
            Some("not_writable")
        );
        assert_eq!(held(ErrorKind::IsADirectory).as_deref(), Some("not_a_file"));
        assert_eq!(held(ErrorKind::StorageFull), None);
        assert_eq!(try_later(&error(ErrorKind::StorageFull)).code(), "disk_full");
        assert_eq!(try_later(&error(ErrorKind::QuotaExceeded)).code(), "disk_full");
        assert_eq!(try_later(&error(ErrorKind::Other)).code(), "write_failed");
    }
}
