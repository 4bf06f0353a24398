//! The key of the journal.

use signalbox_core::JournalKey;

use super::{bad, good, pipeline};
use crate::{ProcessEnvironment, load};

fn key(n: u8) -> String {
    JournalKey::new([n; 32]).to_text()
}

#[test]
fn a_key_or_a_list_of_keys_is_read() {
    let keys = |setting: &str| {
        let config = good(&pipeline(&format!("[journal]\nkey = {setting}\n")));
        config.journal.keys().unwrap()
    };
    let (one, two) = (JournalKey::new([1; 32]), JournalKey::new([2; 32]));
    assert_eq!(keys(&format!("\"{}\"", key(1))), std::slice::from_ref(&one));
    assert_eq!(keys(&format!("[\"{}\", \" {}\"]", key(2), key(1))), [two, one]);
    assert_eq!(keys("[]"), []);
    let shown = format!(
        "{:?}",
        good(&pipeline(&format!("[journal]\nkey = \"{}\"\n", key(1)))).journal
    );
    assert!(!shown.contains(&key(1)), "{shown}");
}

#[test]
fn a_text_that_is_no_key_is_told_and_not_shown() {
    let typed = format!("{}x", &key(1)[..key(1).len() - 1]);
    for (setting, told) in [
        ("\"\"".to_owned(), "journal.key: is empty"),
        (
            "\"0123456789abcdef\"".to_owned(),
            "journal.key: is no key of a journal",
        ),
        (
            format!("\"{}\"", &key(1)[..20]),
            "journal.key: is a key cut short",
        ),
        (format!("\"{typed}\""), "journal.key: has a typing error"),
        (
            format!("[\"{}\", \"{typed}\"]", key(1)),
            "journal.key: key 2 of the list has a typing error",
        ),
        ("3".to_owned(), "a key, or a list of keys"),
        ("[3]".to_owned(), "expected a string"),
    ] {
        let found = bad(&pipeline(&format!("[journal]\nkey = {setting}\n"))).to_string();
        assert!(found.contains(told), "{setting}: {found}");
        let typed = typed.trim_start_matches("sbx1_");
        assert!(
            !found.contains(typed) && !found.contains("0123456789abcdef"),
            "{found}"
        );
    }
    let warned = good(&pipeline(&format!(
        "[journal]\ntype = \"memory\"\nkey = \"{}\"\n",
        key(1)
    )))
    .warnings;
    assert!(
        warned[0].to_string().contains("journal.key: has no effect"),
        "{warned:?}"
    );
}

#[test]
fn a_key_within_the_folder_of_its_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("journal")).unwrap();
    std::os::unix::fs::symlink(folder.join("journal"), folder.join("link")).unwrap();
    let load = |path: &str, key: &str| {
        let (path, key) = (folder.join(path), folder.join(key));
        let journal = format!(
            "[journal]\npath = {:?}\nkey = [\"${{file:{}}}\"]\n",
            path.display().to_string(),
            key.display()
        );
        load("p.toml", &pipeline(&journal), &ProcessEnvironment)
    };
    for name in ["outside.key", "journal/inside.key", "journal-2.key"] {
        std::fs::write(folder.join(name), format!("{}\n", key(1))).unwrap();
    }
    let open = |mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.join("outside.key"), mode).unwrap();
        load("journal", "outside.key").unwrap().warnings
    };
    assert!(open(0o600).is_empty());
    let warned = open(0o644);
    assert_eq!(warned.len(), 1);
    let told = warned[0].to_string();
    assert!(
        told.contains("journal.key[0]") && told.contains("mode 0644"),
        "{told}"
    );
    assert!(load("journal", "journal-2.key").is_ok());
    assert!(load("new/journal", "outside.key").is_ok());
    for path in ["journal", "link", "journal/../journal"] {
        let found = load(path, "journal/inside.key").unwrap_err().to_string();
        assert!(
            found.contains("the key lies in the folder of the journal"),
            "{path}: {found}"
        );
        assert!(found.contains("journal.key[0]"), "{found}");
    }
}

#[test]
fn dead_letters_in_plaintext_need_a_key() {
    let plain = "[dead_letters]\npersonal_data = \"plain\"\n";
    for journal in [
        String::new(),
        "[journal]\nretain = \"2h\"\n".to_owned(),
        "[journal]\nkey = []\n".to_owned(),
    ] {
        let found = bad(&pipeline(&format!("{journal}{plain}"))).to_string();
        assert!(
            found.contains("dead_letters.personal_data: dead letters in plaintext need a key"),
            "{journal}: {found}"
        );
        assert!(found.contains("signalbox keygen"), "{found}");
    }
    good(&pipeline(&format!("[journal]\nkey = \"{}\"\n{plain}", key(1))));
    good(&pipeline(&format!("[journal]\ntype = \"memory\"\n{plain}")));
    // A wrong table is one finding, not two.
    let found = bad(&pipeline(&format!("[journal]\nkey = 3\n{plain}"))).to_string();
    assert!(!found.contains("need a key"), "{found}");
}
