//! Checkpoints and counts of sources.

use std::collections::BTreeMap;

use signalbox_journal::SourceTotals;

use super::{Bench, in_order, over_each_kind};

over_each_kind!(checkpoints_are_kept, counts_of_sources_are_kept);

fn saved(pairs: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.to_vec()))
        .collect()
}

async fn checkpoints_are_kept(bench: Bench) {
    let journal = bench.open().await;
    assert!(journal.checkpoints("web").await.unwrap().is_empty());
    journal.save_checkpoint("web", "a", Some(b"1".to_vec()));
    journal.save_checkpoint("web", "b", Some(b"2".to_vec()));
    journal.save_checkpoint("we", "a", Some(b"of another source".to_vec()));
    journal.save_checkpoint("web", "a", Some(b"3".to_vec()));
    journal.save_checkpoint("web", "b", None);
    journal.save_checkpoint("web", "c", Some(Vec::new()));
    journal.flush().await;
    let of_web = saved(&[("a", b"3"), ("c", b"")]);
    assert_eq!(journal.checkpoints("web").await.unwrap(), of_web);
    assert_eq!(
        journal.checkpoints("we").await.unwrap(),
        saved(&[("a", b"of another source")])
    );
    assert!(journal.checkpoints("w").await.unwrap().is_empty());
    let journal = bench.again(journal).await;
    assert_eq!(journal.checkpoints("web").await.unwrap(), of_web);
    journal.shutdown().await;
}

async fn counts_of_sources_are_kept(bench: Bench) {
    let journal = bench.open().await;
    in_order(&*journal, 0..10).await;
    let web = SourceTotals {
        journalled: 8,
        duplicate: 4,
        refused: [("journal_full".to_owned(), 2)].into(),
        ..SourceTotals::default()
    };
    let app = SourceTotals {
        journalled: 2,
        ..SourceTotals::default()
    };
    journal.save_source("web", web.clone());
    journal.save_source("app", app.clone());
    journal.save_counts().await.unwrap();
    let journal = bench.again(journal).await;
    let totals = journal.source_totals().await.unwrap();
    assert_eq!(totals, [("app".to_owned(), app), ("web".to_owned(), web)]);
    journal.shutdown().await;
}
