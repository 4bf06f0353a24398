//! Permissions for files and folders that hold events or secrets: only their owner may use them.

use std::path::Path;

/// The mode of a file that holds events or secrets.
pub const PRIVATE_FILE: u32 = 0o600;
/// The mode of a folder of such files.
pub const PRIVATE_FOLDER: u32 = 0o700;

/// Returns a sentence for the operator if others than the owner may use a file or folder with this mode.
pub fn exposed(path: &Path, mode: u32) -> Option<String> {
    let mode = mode & 0o777;
    (mode & 0o077 != 0).then(|| {
        let path = path.display();
        format!(
            "{path}: others than its owner may use it (mode {mode:04o}); shut them out with: chmod go= {path}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_open_to_others_is_told() {
        let found = |mode| exposed(Path::new("/a/key"), mode);
        assert_eq!(
            (found(0o100_600), found(0o40_700), found(0o400)),
            (None, None, None)
        );
        let text = found(0o100_640).unwrap();
        assert!(
            text.starts_with("/a/key: ") && text.contains("mode 0640"),
            "{text}"
        );
        assert!(text.ends_with("chmod go= /a/key"), "{text}");
        assert!(found(0o40_701).is_some());
    }
}
