use signalbox_core::{Event, JournalKey, Receipt};
use signalbox_history::{History, IdKeys, Ids as RecordIds, Outcome, Record, Settings};
use signalbox_journal::{
    Commit, DeadLetter, Letters as _, Log as _, MemoryJournal, Progress, Start, Subscription,
};

use super::*;

fn letter(id: &str, mapping: &str, payload: Option<&str>) -> DeadLetter {
    DeadLetter {
        component: "sink".into(),
        message_id: id.into(),
        source: "in".into(),
        mapping: mapping.into(),
        payload: payload.map(str::to_owned),
        ..DeadLetter::default()
    }
}

async fn resend(journal: &MemoryJournal, ids: &[&str]) -> Resent {
    let request = ResendRequest {
        message_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        sink: None,
    };
    let located = locate_events(journal, None, &request).await.unwrap();
    send(journal, located, |_| Ok(()), |_, _| {}).await.unwrap()
}

#[tokio::test]
async fn what_the_log_no_longer_holds_comes_from_its_dead_letters() {
    let journal = MemoryJournal::new(1 << 20);
    let listening = Subscription::new(["in"], Start::End);
    let (mut reader, _) = journal.reader("sink", &listening).await.unwrap();
    let receipt = Receipt {
        source: "in".into(),
        received_at: 1,
    };
    let held = Event::parse(r#"{"messageId":"held"}"#, receipt).unwrap();
    journal.append(vec![held]).await.unwrap();
    let kept = Some(r#"{"messageId":"kept"}"#);
    let rejected = DeadLetter {
        component: format!("{SOURCE}in"),
        ..letter("refused", "", None)
    };
    reader.commit(Commit {
        progress: Some(Progress::default()),
        dead_letters: vec![
            letter("kept", "orders", kept),
            letter("kept", "orders", kept),
            letter("kept", "leads", kept),
            letter("gone", "orders", None),
            rejected,
        ],
        ..Commit::default()
    });
    let resent = resend(
        &journal,
        &["kept", "gone", "refused", "held", "nobody", " kept", "kept", ""],
    )
    .await;
    let told = |event: &ResentEvent| {
        let sendings: Vec<Sending> = event.sinks.values().copied().collect();
        (event.message_id.clone(), event.found, sendings)
    };
    let told: Vec<_> = resent.events.iter().map(told).collect();
    assert_eq!(
        told,
        [
            ("kept".to_owned(), true, vec![Sending::FromDeadLetter]),
            ("gone".to_owned(), true, vec![Sending::NothingKept]),
            ("refused".to_owned(), true, vec![Sending::AtSource]),
            ("held".to_owned(), true, vec![Sending::Pending]),
            ("nobody".to_owned(), false, vec![]),
            // Another id: blanks belong to it.
            (" kept".to_owned(), false, vec![]),
        ]
    );
    let goes_out: Vec<_> = resent.events.iter().map(ResentEvent::goes_out).collect();
    assert_eq!(goes_out, [true, false, false, true, false, false]);
    let returned = reader.returned(0, 9).await.unwrap().events;
    let mut mappings: Vec<_> = returned.iter().map(|parked| parked.only.as_deref()).collect();
    mappings.sort_unstable();
    assert_eq!(mappings, [Some("leads"), Some("orders")]);
    let left = journal
        .dead_letters(&DeadLetterFilter::default(), 9)
        .await
        .unwrap();
    let mut left: Vec<_> = left.into_iter().map(|(_, letter)| letter.message_id).collect();
    left.sort_unstable();
    assert_eq!(left, ["gone", "refused"]);

    // Both letters are gone, and a request without ids is none.
    let again = resend(&journal, &["kept"]).await;
    assert!(!again.events[0].found, "{again:?}");
    let none = ResendRequest {
        message_ids: vec![" ".into()],
        sink: None,
    };
    assert!(locate_events(&journal, None, &none).await.is_err());
}

#[tokio::test]
async fn the_history_spares_the_search_for_the_events_that_it_knows() {
    let journal = MemoryJournal::new(1 << 20);
    let listening = Subscription::new(["in"], Start::End);
    let (mut reader, _) = journal.reader("sink", &listening).await.unwrap();
    let event = |id: &str| {
        let receipt = Receipt {
            source: "in".into(),
            received_at: 1,
        };
        Event::parse(&format!(r#"{{"messageId":"{id}"}}"#), receipt).unwrap()
    };
    journal.append(vec![event("known"), event("new")]).await.unwrap();
    // Settled, and held as long as another sink wants them.
    let other = journal.reader("other", &listening).await.unwrap();
    reader.commit(Commit {
        progress: Some(Progress {
            settled: vec![(0, 2)],
            ..Progress::default()
        }),
        ..Commit::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let keys = IdKeys::derive([&JournalKey::new([1; 32])]).unwrap();
    let history = History::start(Settings::new(folder.path().to_owned()), keys).unwrap();
    let (source, sink) = (Arc::<str>::from("in"), Arc::<str>::from("sink"));
    // One is where the history says, the place of the second is that of another event, and the third is gone.
    let mut notes = history.notes();
    for (id, position) in [("known", 0), ("new", 0), ("gone", 9)] {
        notes.add(&Record {
            position: Some(position),
            ids: RecordIds {
                message_id: id.into(),
                ..RecordIds::default()
            },
            ..Record::of_event(&source, &sink, "track".into(), Outcome::Delivered, (1, 2))
        });
    }
    history.hand(notes);
    history.flush().unwrap();
    let request = ResendRequest {
        message_ids: ["known", "new", "gone"].map(str::to_owned).to_vec(),
        sink: Some("sink".to_owned()),
    };
    let located = locate_events(&journal, Some(history.reader()), &request)
        .await
        .unwrap();
    let resent = send(&journal, located, |_| Ok(()), |_, _| {}).await.unwrap();
    let sent: Vec<_> = resent
        .events
        .iter()
        .map(|event| (event.found, event.sinks.get("sink")))
        .collect();
    let from_journal = Some(&Sending::FromJournal);
    assert_eq!(sent, [(true, from_journal), (true, from_journal), (false, None)]);
    drop(other);
    history.close();
}
