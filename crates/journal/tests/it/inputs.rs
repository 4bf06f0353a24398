//! The events that a sink is owed when its inputs change, on disk and in memory alike.

use std::collections::BTreeMap;

use signalbox_journal::{
    Journal, MemoryJournal, Named, Position, Progress, Read, Reader, Resumed, Roster, Standing, Start,
    Subscription,
};

use crate::support::{event, open, settled_before, source};

/// Makes a journal of each kind.
fn journals(folder: &std::path::Path) -> Vec<Box<dyn Journal>> {
    vec![Box::new(open(folder)), Box::new(MemoryJournal::new(1 << 30))]
}

fn pipeline(sources: &[&str], sinks: &[&str]) -> Roster {
    let named = |names: &[&str]| names.iter().map(|name| Named::new(*name)).collect();
    Roster {
        sources: named(sources),
        sinks: named(sinks),
        ..Roster::default()
    }
}

async fn append(journal: &dyn Journal, numbers: std::ops::Range<u64>) {
    journal.append(numbers.map(event).collect()).await.unwrap();
}

async fn listen(journal: &dyn Journal, inputs: &[&str], start: Start) -> (Box<dyn Reader>, Resumed) {
    let subscription = Subscription::new(inputs.iter().copied(), start);
    journal.reader("sink", &subscription).await.unwrap()
}

/// Adopts a pipeline whose sink has both sources as inputs, and opens the sink once.
async fn begin(journal: &dyn Journal) {
    let roster = pipeline(&["app", "web"], &["sink"]);
    journal.adopt(&roster).await.unwrap();
    drop(listen(journal, &["app", "web"], Start::End).await);
}

/// Returns the reason why the sink is owed each of the next events, by position; leaves out events it is not owed.
async fn owed(opened: &mut (Box<dyn Reader>, Resumed), to: Position) -> BTreeMap<Position, Standing> {
    let (reader, resumed) = opened;
    let mut owed = BTreeMap::new();
    let mut at = 0;
    while at < to {
        let Read::Events(entries) = reader.next(100).await else {
            panic!("no events");
        };
        for entry in entries {
            at = entry.position + 1;
            let standing = resumed.owed.at(entry.position, &entry.event.receipt().source);
            owed.extend(standing.map(|standing| (entry.position, standing)));
        }
    }
    // The counts must agree with the events.
    let unread: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
    assert_eq!(unread, owed.range(..to).count() as u64, "{resumed:?}");
    owed
}

fn positions(owed: &BTreeMap<Position, Standing>, wanted: Standing) -> Vec<Position> {
    let wanted = owed.iter().filter(|(_, standing)| **standing == wanted);
    wanted.map(|(position, _)| *position).collect()
}

fn of(name: &str, numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.filter(|number| source(*number) == name).collect()
}

#[tokio::test]
async fn a_removed_input_is_owed_up_to_the_change_and_again_from_its_return() {
    let folder = tempfile::tempdir().unwrap();
    for journal in journals(folder.path()) {
        let journal = &*journal;
        begin(journal).await;
        append(journal, 0..20).await;
        let mut opened = listen(journal, &["web"], Start::End).await;
        let found = owed(&mut opened, 20).await;
        assert_eq!(positions(&found, Standing::Removed), of("app", 0..20));
        assert_eq!(positions(&found, Standing::Input), of("web", 0..20));
        assert!(opened.1.owed.is_removed("app") && !opened.1.owed.listens_to("app"));
        let states = journal.sinks().await.unwrap();
        assert_eq!(states[0].removed, ["app"]);
        append(journal, 20..40).await;
        let mut opened = listen(journal, &["web", "app"], Start::End).await;
        append(journal, 40..60).await;
        let expected = [of("web", 0..40), of("app", 0..20)].concat();
        let unread: u64 = opened.1.unread.iter().map(|(_, count)| count).sum();
        assert_eq!(unread, expected.len() as u64);
        opened.1.unread = vec![("all".into(), (expected.len() + 20) as u64)];
        let found = owed(&mut opened, 60).await;
        let mut expected = [expected, (40..60).collect()].concat();
        expected.sort_unstable();
        assert_eq!(positions(&found, Standing::Input), expected);
    }
}

#[tokio::test]
async fn an_added_input_counts_from_the_change_or_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    for journal in journals(folder.path()) {
        let journal = &*journal;
        let (mut reader, _) = listen(journal, &["web"], Start::End).await;
        let other = Subscription::new(["web"], Start::End);
        // This reader keeps the events in the journal.
        let _other = journal.reader("other", &other).await.unwrap();
        append(journal, 0..20).await;
        let mut progress = Progress {
            cursor: 10,
            settled: vec![(12, 14)],
            ..Progress::default()
        };
        progress.totals.delivered = 12;
        let mut commit = settled_before(0);
        commit.progress = Some(progress);
        reader.commit(commit);
        reader.flush().await;
        let mut opened = listen(journal, &["web", "app"], Start::End).await;
        assert_eq!(opened.1.progress.cursor, 10);
        let unsettled: Vec<u64> = of("web", 14..20);
        let unsettled = [of("web", 10..12), unsettled].concat();
        assert_eq!(
            positions(&owed(&mut opened, 20).await, Standing::Input),
            unsettled
        );
        // The source may be read from the beginning: settled events of the others stay settled.
        drop(listen(journal, &["web"], Start::End).await);
        let mut opened = listen(journal, &["web", "app"], Start::Beginning).await;
        let mut expected = [unsettled, of("app", 0..20)].concat();
        expected.sort_unstable();
        assert_eq!(positions(&owed(&mut opened, 20).await, Standing::Input), expected);
        assert_eq!(opened.1.progress.totals.delivered, 12);
        // Opening the sink again adds nothing.
        let mut opened = listen(journal, &["web", "app"], Start::Beginning).await;
        assert_eq!(positions(&owed(&mut opened, 20).await, Standing::Input), expected);
    }
}

#[tokio::test]
async fn what_a_source_has_under_way_while_it_leaves_the_pipeline_is_owed() {
    let folder = tempfile::tempdir().unwrap();
    for journal in journals(folder.path()) {
        let journal = &*journal;
        begin(journal).await;
        journal.adopt(&pipeline(&["web"], &["sink"])).await.unwrap();
        let mut opened = listen(journal, &["web"], Start::End).await;
        assert!(
            opened.1.owed.listens_to("app"),
            "it ends after the sink has begun"
        );
        append(journal, 0..10).await;
        opened.1.unread = vec![("all".into(), 10)];
        assert_eq!(owed(&mut opened, 10).await.len(), 10);
        // The source comes back, but not for this sink.
        journal
            .adopt(&pipeline(&["app", "web"], &["sink"]))
            .await
            .unwrap();
        let opened = listen(journal, &["web"], Start::End).await;
        assert!(!opened.1.owed.listens_to("app"));
        append(journal, 10..20).await;
        let mut opened = listen(journal, &["web"], Start::End).await;
        let found = owed(&mut opened, 20).await;
        assert_eq!(positions(&found, Standing::Removed), of("app", 0..10));
        assert_eq!(positions(&found, Standing::Input), of("web", 0..20));
    }
}

#[tokio::test]
async fn a_sink_that_leaves_the_pipeline_is_owed_nothing_more_until_it_returns() {
    let folder = tempfile::tempdir().unwrap();
    for journal in journals(folder.path()) {
        let journal = &*journal;
        journal
            .adopt(&pipeline(&["app", "web"], &["sink", "other"]))
            .await
            .unwrap();
        drop(listen(journal, &["app", "web"], Start::End).await);
        let other = Subscription::new(["web"], Start::End);
        let _other = journal.reader("other", &other).await.unwrap();
        append(journal, 0..10).await;
        journal
            .adopt(&pipeline(&["app", "web"], &["other"]))
            .await
            .unwrap();
        append(journal, 10..20).await;
        journal
            .adopt(&pipeline(&["app", "web"], &["other"]))
            .await
            .unwrap();
        let states = journal.sinks().await.unwrap();
        let state = states.iter().find(|state| state.name == "sink").unwrap();
        assert_eq!(state.unread, [("app".to_owned(), 2), ("web".to_owned(), 8)]);
        journal
            .adopt(&pipeline(&["app", "web"], &["sink", "other"]))
            .await
            .unwrap();
        let mut opened = listen(journal, &["app", "web"], Start::End).await;
        let found = owed(&mut opened, 20).await;
        assert_eq!(positions(&found, Standing::Input), (0..10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_is_forgotten_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    for journal in journals(folder.path()) {
        let journal = &*journal;
        drop(listen(journal, &["app", "web"], Start::End).await);
        append(journal, 0..20).await;
        drop(listen(journal, &["web"], Start::End).await);
        assert_eq!(journal.forget("sink", Some("app")).await.unwrap(), 4);
        assert_eq!(journal.forget("sink", Some("app")).await.unwrap(), 0);
        assert!(journal.forget("nobody", None).await.is_err());
        let mut opened = listen(journal, &["web"], Start::End).await;
        assert_eq!(opened.1.progress.totals.filtered["forgotten"], 4);
        let found = owed(&mut opened, 20).await;
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), of("web", 0..20));
        drop(opened);
        assert_eq!(journal.forget("sink", None).await.unwrap(), 16);
        let states = journal.sinks().await.unwrap();
        assert!(states[0].unread.is_empty());
        assert_eq!(journal.usage().events, 0);
        let (_, resumed) = listen(journal, &["web"], Start::End).await;
        assert_eq!(resumed.progress.totals.filtered["forgotten"], 20);
        assert!(resumed.unread.is_empty());
    }
}

#[tokio::test]
async fn a_forgotten_source_that_is_named_again_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    for journal in journals(folder.path()) {
        let journal = &*journal;
        drop(listen(journal, &["app", "web"], Start::End).await);
        append(journal, 0..20).await;
        // The sink was not opened without the source in between.
        assert_eq!(journal.forget("sink", Some("app")).await.unwrap(), 4);
        drop(listen(journal, &["app", "web"], Start::End).await);
        append(journal, 20..40).await;
        let mut opened = listen(journal, &["app", "web"], Start::End).await;
        let found = owed(&mut opened, 40).await;
        let wanted: Vec<Position> = (0..40).filter(|n| source(*n) == "web" || *n >= 20).collect();
        assert_eq!(found.into_keys().collect::<Vec<_>>(), wanted);
    }
}

#[tokio::test]
async fn a_replay_is_for_the_inputs_of_now() {
    let folder = tempfile::tempdir().unwrap();
    for journal in journals(folder.path()) {
        let journal = &*journal;
        let other = Subscription::new(["web"], Start::End);
        let _other = journal.reader("other", &other).await.unwrap();
        append(journal, 0..20).await;
        drop(listen(journal, &["app"], Start::End).await);
        let progress = Progress {
            cursor: 5,
            settled: vec![(15, 20)],
            ..Progress::default()
        };
        journal.set_progress("sink", progress).await.unwrap();
        let mut opened = listen(journal, &["app"], Start::End).await;
        assert_eq!(
            positions(&owed(&mut opened, 15).await, Standing::Input),
            of("app", 5..15)
        );
    }
}
