//! Files of a newer version: they are not damaged, and nothing is changed.

use std::collections::BTreeMap;
use std::path::Path;

use redb::ReadableTable;
use signalbox_journal::{DiskJournal, Start};
use twox_hash::XxHash3_64;

use crate::support::*;

/// Makes a folder with frames, ids and a state; without a summary if it is killed.
async fn build(killed: bool) -> tempfile::TempDir {
    let (folder, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for n in 0..3 {
        let journal = open(folder.path());
        let (_sink, _) = reader(&journal, "a", Start::End).await;
        append(&journal, n * 10..n * 10 + 10).await;
        copy(folder.path(), copied.path());
        journal.shutdown().await;
    }
    if killed { copied } else { folder }
}

/// Reads all files except the lock.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = files(folder, "").into_iter().filter(|name| name != "LOCK");
    names
        .map(|name| {
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            (name, bytes)
        })
        .collect()
}

/// Sets a version, and corrects the checksum at the end of a head.
fn renew(bytes: &mut [u8], version: usize, length: usize) {
    bytes[version] += 9;
    let checksum = XxHash3_64::oneshot(&bytes[..length - 8]).to_le_bytes();
    bytes[length - 8..length].copy_from_slice(&checksum);
}

/// Makes the bytes of a state in which one number of a record is another, as a killed router leaves it, or one that ended
/// cleanly.
fn newer_state(path: &Path, killed: bool, (table, record, member): (&str, &str, &str)) -> Vec<u8> {
    let db = redb::Database::open(path).unwrap();
    let txn = db.begin_write().unwrap();
    {
        let table = redb::TableDefinition::<&str, &[u8]>::new(table);
        let mut table = txn.open_table(table).unwrap();
        let mut value: serde_json::Value = {
            let sealed = table.get(record).unwrap().unwrap();
            serde_json::from_slice(&sealed.value()[8..]).unwrap()
        };
        value[member] = 99.into();
        let text = serde_json::to_vec(&value).unwrap();
        let sealed = [&XxHash3_64::oneshot(&text).to_le_bytes()[..], &text].concat();
        table.insert(record, sealed.as_slice()).unwrap();
    }
    txn.commit().unwrap();
    let open = std::fs::read(path).unwrap();
    drop(db);
    if killed {
        open
    } else {
        std::fs::read(path).unwrap()
    }
}

#[tokio::test]
async fn a_newer_file_stops_the_journal_and_nothing_is_changed() {
    for killed in [true, false] {
        for what in ["frame", "file", "mark", "ids", "state", "flags", "key"] {
            let folder = build(killed).await;
            let name = match what {
                "mark" => "MARK".to_owned(),
                "state" | "flags" | "key" => "state.redb".to_owned(),
                "ids" => files(folder.path(), "ids-")[0].clone(),
                // The newest file, or one that an earlier run left.
                "file" => files(folder.path(), "frames-")[2].clone(),
                _ => files(folder.path(), "frames-")[1].clone(),
            };
            let path = folder.path().join(&name);
            let mut bytes = std::fs::read(&path).unwrap();
            match what {
                "state" => bytes = newer_state(&path, killed, ("head", "head", "format")),
                "flags" | "key" => bytes = newer_state(&path, killed, ("sinks", "a", what)),
                "frame" => renew(&mut bytes[4096..], 8, 78),
                "file" => renew(&mut bytes, 8, 40),
                "mark" => renew(&mut bytes, 8, 60),
                _ => renew(&mut bytes, 7, 80),
            }
            std::fs::write(&path, bytes).unwrap();
            let before = contents(folder.path());
            let error = DiskJournal::open(options(folder.path()))
                .err()
                .unwrap()
                .to_string();
            let wanted = [path.to_str().unwrap(), "newer version", what, "use that version"];
            assert!(wanted.iter().all(|part| error.contains(part)), "{what}: {error}");
            assert!(before == contents(folder.path()), "{what}, killed: {killed}");
        }
    }
}

#[tokio::test]
async fn a_flipped_version_is_damage() {
    let folder = build(true).await;
    let path = folder.path().join(&files(folder.path(), "frames-")[1]);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 + 8] ^= 8;
    std::fs::write(&path, bytes).unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "b", Start::Beginning).await;
    journal.close();
    assert_eq!(rest(&mut sink).await.lost, [(10, 20)]);
    journal.shutdown().await;
}
