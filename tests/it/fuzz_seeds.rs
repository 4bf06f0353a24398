//! The fuzz targets' seeds, past crashes among them, through the same code as the targets run.

#[path = "../fuzz/bodies.rs"]
mod bodies;

/// Runs a target's body over its seeds.
fn replay(target: &str, body: fn(&[u8])) {
    let folder = format!("{}/../../tests/fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(names.len() >= 5, "{folder}: {names:?}");
    for name in names {
        let seed = std::fs::read(&name).unwrap();
        let run = std::panic::catch_unwind(|| body(&seed));
        assert!(run.is_ok(), "{}", name.display());
    }
}

#[test]
fn ingest() {
    replay("ingest", bodies::ingest);
}

#[test]
fn fql() {
    replay("fql", bodies::fql);
}

#[test]
fn mapping() {
    replay("mapping", bodies::mapping);
}

#[test]
fn frame() {
    replay("frame", bodies::frame);
}
