//! The events that a sink is owed when its inputs change.

use std::collections::BTreeMap;

use signalbox_journal::{Named, Progress, Read, Reader, Resumed, Roster, Standing, Start, Subscription};

use super::{Bench, in_order, over_each_kind};
use crate::support::{Journal, number, settled_before, source};

over_each_kind!(
    a_removed_input_is_owed_up_to_the_change_and_again_from_its_return,
    an_added_input_counts_from_the_change_or_from_the_beginning,
    what_a_source_has_under_way_while_it_leaves_the_pipeline_is_owed,
    a_sink_that_leaves_the_pipeline_is_owed_nothing_more_until_it_returns,
    what_is_forgotten_is_counted,
    a_forgotten_source_that_is_named_again_begins_anew,
    a_replay_is_for_the_inputs_of_now,
);

fn pipeline(sources: &[&str], sinks: &[&str]) -> Roster {
    let named = |names: &[&str]| names.iter().map(|name| Named::new(*name)).collect();
    Roster {
        sources: named(sources),
        sinks: named(sinks),
        ..Roster::default()
    }
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

/// Returns the reason why the sink is owed each of its events before the one of a number, which must be unsettled, by number.
async fn owed(opened: &mut (Box<dyn Reader>, Resumed), to: u64) -> BTreeMap<u64, Standing> {
    let (reader, resumed) = opened;
    let mut owed = BTreeMap::new();
    let mut at = 0;
    while at < to {
        let Read::Events(entries) = reader.next(100).await else {
            panic!("no events");
        };
        for entry in entries {
            let number = number(&entry.event);
            at = number + 1;
            let standing = resumed.owed.at(entry.position, &entry.event.receipt().source);
            owed.extend(standing.map(|standing| (number, standing)));
        }
    }
    // The counts must agree with the events.
    let unread: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
    assert_eq!(unread, owed.len() as u64, "{resumed:?}");
    owed
}

fn numbers(owed: &BTreeMap<u64, Standing>, wanted: Standing) -> Vec<u64> {
    let wanted = owed.iter().filter(|(_, standing)| **standing == wanted);
    wanted.map(|(number, _)| *number).collect()
}

fn of(name: &str, numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.filter(|number| source(*number) == name).collect()
}

async fn a_removed_input_is_owed_up_to_the_change_and_again_from_its_return(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    begin(journal).await;
    in_order(journal, 0..20).await;
    let mut opened = listen(journal, &["web"], Start::End).await;
    let found = owed(&mut opened, 20).await;
    assert_eq!(numbers(&found, Standing::Removed), of("app", 0..20));
    assert_eq!(numbers(&found, Standing::Input), of("web", 0..20));
    assert!(opened.1.owed.is_removed("app") && !opened.1.owed.listens_to("app"));
    let states = journal.sinks().await.unwrap();
    assert_eq!(states[0].removed, ["app"]);
    in_order(journal, 20..40).await;
    let mut opened = listen(journal, &["web", "app"], Start::End).await;
    in_order(journal, 40..60).await;
    let expected = [of("web", 0..40), of("app", 0..20)].concat();
    let unread: u64 = opened.1.unread.iter().map(|(_, count)| count).sum();
    assert_eq!(unread, expected.len() as u64);
    opened.1.unread = vec![("all".into(), (expected.len() + 20) as u64)];
    let found = owed(&mut opened, 60).await;
    let mut expected = [expected, (40..60).collect()].concat();
    expected.sort_unstable();
    assert_eq!(numbers(&found, Standing::Input), expected);
}

async fn an_added_input_counts_from_the_change_or_from_the_beginning(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    let (mut reader, _) = listen(journal, &["web"], Start::End).await;
    let other = Subscription::new(["web"], Start::End);
    // This reader keeps the events in the journal.
    let _other = journal.reader("other", &other).await.unwrap();
    let at = in_order(journal, 0..20).await;
    let mut progress = Progress {
        cursor: at[10],
        settled: vec![(at[12], at[14])],
        ..Progress::default()
    };
    progress.totals.delivered = 12;
    let mut commit = settled_before(0);
    commit.progress = Some(progress);
    reader.commit(commit);
    reader.flush().await;
    let mut opened = listen(journal, &["web", "app"], Start::End).await;
    assert_eq!(opened.1.progress.cursor, at[10]);
    let unsettled: Vec<u64> = of("web", 14..20);
    let unsettled = [of("web", 10..12), unsettled].concat();
    assert_eq!(numbers(&owed(&mut opened, 20).await, Standing::Input), unsettled);
    // The source may be read from the beginning: settled events of the others stay settled.
    drop(listen(journal, &["web"], Start::End).await);
    let mut opened = listen(journal, &["web", "app"], Start::Beginning).await;
    let mut expected = [unsettled, of("app", 0..20)].concat();
    expected.sort_unstable();
    assert_eq!(numbers(&owed(&mut opened, 20).await, Standing::Input), expected);
    assert_eq!(opened.1.progress.totals.delivered, 12);
    // Opening the sink again adds nothing.
    let mut opened = listen(journal, &["web", "app"], Start::Beginning).await;
    assert_eq!(numbers(&owed(&mut opened, 20).await, Standing::Input), expected);
}

async fn what_a_source_has_under_way_while_it_leaves_the_pipeline_is_owed(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    begin(journal).await;
    journal.adopt(&pipeline(&["web"], &["sink"])).await.unwrap();
    let mut opened = listen(journal, &["web"], Start::End).await;
    assert!(
        opened.1.owed.listens_to("app"),
        "it ends after the sink has begun"
    );
    in_order(journal, 0..10).await;
    opened.1.unread = vec![("all".into(), 10)];
    assert_eq!(owed(&mut opened, 10).await.len(), 10);
    // The source comes back, but not for this sink.
    journal
        .adopt(&pipeline(&["app", "web"], &["sink"]))
        .await
        .unwrap();
    let opened = listen(journal, &["web"], Start::End).await;
    assert!(!opened.1.owed.listens_to("app"));
    in_order(journal, 10..20).await;
    let mut opened = listen(journal, &["web"], Start::End).await;
    let found = owed(&mut opened, 20).await;
    assert_eq!(numbers(&found, Standing::Removed), of("app", 0..10));
    assert_eq!(numbers(&found, Standing::Input), of("web", 0..20));
}

async fn a_sink_that_leaves_the_pipeline_is_owed_nothing_more_until_it_returns(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    journal
        .adopt(&pipeline(&["app", "web"], &["sink", "other"]))
        .await
        .unwrap();
    drop(listen(journal, &["app", "web"], Start::End).await);
    let other = Subscription::new(["web"], Start::End);
    let _other = journal.reader("other", &other).await.unwrap();
    in_order(journal, 0..10).await;
    journal
        .adopt(&pipeline(&["app", "web"], &["other"]))
        .await
        .unwrap();
    in_order(journal, 10..20).await;
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
    assert_eq!(numbers(&found, Standing::Input), (0..10).collect::<Vec<_>>());
}

async fn what_is_forgotten_is_counted(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    drop(listen(journal, &["app", "web"], Start::End).await);
    in_order(journal, 0..20).await;
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
    let (_, resumed) = listen(journal, &["web"], Start::End).await;
    assert_eq!(resumed.progress.totals.filtered["forgotten"], 20);
    assert!(resumed.unread.is_empty());
}

async fn a_forgotten_source_that_is_named_again_begins_anew(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    drop(listen(journal, &["app", "web"], Start::End).await);
    in_order(journal, 0..20).await;
    // The sink was not opened without the source in between.
    assert_eq!(journal.forget("sink", Some("app")).await.unwrap(), 4);
    drop(listen(journal, &["app", "web"], Start::End).await);
    in_order(journal, 20..40).await;
    let mut opened = listen(journal, &["app", "web"], Start::End).await;
    let found = owed(&mut opened, 40).await;
    let wanted: Vec<u64> = (0..40).filter(|n| source(*n) == "web" || *n >= 20).collect();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), wanted);
}

async fn a_replay_is_for_the_inputs_of_now(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    let other = Subscription::new(["web"], Start::End);
    let _other = journal.reader("other", &other).await.unwrap();
    let at = in_order(journal, 0..20).await;
    drop(listen(journal, &["app"], Start::End).await);
    let progress = Progress {
        cursor: at[5],
        settled: vec![(at[15], journal.find(0).await.unwrap().to)],
        ..Progress::default()
    };
    journal.set_progress("sink", progress).await.unwrap();
    let mut opened = listen(journal, &["app"], Start::End).await;
    assert_eq!(
        numbers(&owed(&mut opened, 15).await, Standing::Input),
        of("app", 5..15)
    );
}
