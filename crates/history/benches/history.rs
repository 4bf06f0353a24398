//! The cost of a record in the history's thread and on the way of an event, and searches among 1,000,000 records of 3 sinks, 20
//! names and 7 days.
//!
//! `cargo bench -p signalbox-history`

#![allow(clippy::unwrap_used, reason = "a bench that panics fails")]

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use signalbox_core::{JournalKey, MatchKeys, Money, Parameter, Parameters, Parts, Spot};
use signalbox_history::{
    Attempt, By, Checksum, Draft, DraftBuffer, End, Filter, History, IdKeys, IdKind, Ids, Notes, Outcome,
    People, Record, Report, Settings,
};

/// Records of the searches.
const MANY: u64 = 1_000_000;
/// Records handed over at once.
const BATCH: u64 = 500;
const HOUR_MILLIS: i64 = 3_600_000;
/// Hours in which they ended.
const HOURS: u64 = 7 * 24;
const SINKS: [&str; 3] = ["pinterest", "meta", "tiktok"];
const NAMES: u64 = 20;

fn keys() -> IdKeys {
    IdKeys::derive([&JournalKey::new([7; 32])]).unwrap()
}

fn record(n: u64, keys: &IdKeys, match_keys: &Arc<MatchKeys>) -> Record<'static> {
    let (email, user_id) = (format!("ivy{n}@example.com"), format!("u-{n}"));
    let people = [(IdKind::Email, &*email), (IdKind::UserId, &*user_id)];
    let ids = Ids {
        message_id: format!("ajs-next-{n:x}-0123456789abcdef").into(),
        event_id: format!("ajs-next-{n:x}-0123456789abcdef").into(),
        order_id: format!("A-{n}").into(),
        people: People::of(people, keys),
    };
    let now = jiff::Timestamp::now().as_millisecond();
    // Records of one hour follow each other, as they end.
    let age = HOURS - 1 - n * HOURS / MANY % HOURS;
    let at = now - i64::try_from(age).unwrap() * HOUR_MILLIS;
    let outcome = if n.is_multiple_of(50) {
        Outcome::Rejected
    } else {
        Outcome::Delivered
    };
    Record {
        ended_at: at,
        received_at: at - 1_500,
        happened_at: at - 60_000,
        source: "web".into(),
        library: Some("analytics.js 2.1.0".into()),
        position: Some(n),
        sink: SINKS[usize::try_from(n % 3).unwrap()].into(),
        mapping: Some("Checkout".into()),
        event: "Order Completed".into(),
        event_name: Some(format!("event_{}", n / 3 % NAMES).into()),
        action_source: Some("web".into()),
        outcome,
        reason: outcome.is_failure().then(|| "invalid_event".into()),
        message: None,
        attempts: vec![Attempt {
            at: at - 100,
            millis: 95,
            status: Some(200),
            result: "delivered".into(),
        }],
        request_id: None,
        warnings: Vec::new(),
        match_keys: Some(Cow::Owned(match_keys.clone())),
        parameters: {
            let mut carried = Parameters::default();
            carried.add(Parameter::Value, true);
            carried.add(Parameter::Currency, true);
            carried
        },
        value: Some(Money {
            millionths: 72_050_000,
            currency: Some("EUR".into()),
        }),
        batch: Some((n / BATCH, 500)),
        bytes: 940,
        checksum: Some(Checksum::of(b"{}")),
        late: false,
        ids,
    }
}

fn match_keys() -> Arc<MatchKeys> {
    let names = ["email", "phone", "ip", "user_agent", "click_id"];
    Arc::new(names.into_iter().collect())
}

fn batch(from: u64, history: &History) -> Notes {
    let match_keys = match_keys();
    let mut notes = history.notes();
    (from..from + BATCH).for_each(|n| notes.add(&record(n, history.keys(), &match_keys)));
    notes
}

/// Returns the processor time of this process.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

/// Measures the processor time of this process, since other programs may use the machine meanwhile.
fn measured<T>(bench: &mut Bencher<'_>, mut work: impl FnMut() -> T) {
    bench.iter_custom(|rounds| {
        let begin = cpu();
        for _ in 0..rounds {
            black_box(work());
        }
        cpu() - begin
    });
}

/// Returns the most memory that this process has had resident, in megabytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb: f64 = line.unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    kb / 1024.0
}

fn writing(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys();
    let history = History::start(Settings::new(folder.path()), keys.clone()).unwrap();
    let mut next = 0;
    // Per record: divide by 500.
    criterion.bench_function("history thread, processor time of 500 records", |bench| {
        bench.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                let notes = batch(next, &history);
                next += BATCH;
                // Nothing but the history's thread works meanwhile.
                let begin = cpu();
                history.hand(notes);
                history.flush().unwrap();
                spent += cpu() - begin;
            }
            spent
        });
    });
    let (match_keys, mut notes) = (match_keys(), history.notes());
    let record = record(1, &keys, &match_keys);
    criterion.bench_function("a record added up and packed, on the way of an event", |bench| {
        measured(bench, || {
            notes.add(black_box(&record));
            if notes.is_full() {
                notes = history.notes();
            }
        });
    });
    cold(criterion, &keys, &match_keys);
    criterion.bench_function("ids of a person, on the way of an event", |bench| {
        measured(bench, || -> People<'_> {
            People::of(
                black_box([(IdKind::Email, "ivy@example.com"), (IdKind::UserId, "u-1001")]),
                &keys,
            )
        });
    });
    history.close();
}

/// Records under way: so many that the caches of the processor hold few of them, as it is with records whose answer arrives.
const COLD: usize = 60_000;
const LENGTH: usize = 2_300;
/// Records of a batch.
const BATCHED: usize = 100;

/// A record under way with what its end needs: as the router's driver keeps it, and the parts it is made of.
struct Sent {
    draft: Draft,
    record: Arc<signalbox_core::Record>,
    trace: Arc<Trace>,
}

/// The part of an event that its records need.
struct Trace {
    received_at: i64,
    library: Arc<str>,
    event: Arc<str>,
    message_id: Box<str>,
    people: People<'static>,
}

/// Measures the draft of a record that was just made, and the end of a sent record: by its draft, and as it would be if its parts,
/// but for the digest, were read only then.
fn cold(criterion: &mut Criterion, keys: &IdKeys, match_keys: &Arc<MatchKeys>) {
    let encoded: Vec<u8> = (0..LENGTH)
        .map(|n| if n % 50 == 0 { b'"' } else { b'a' })
        .collect();
    let (library, event): (Arc<str>, Arc<str>) = ("analytics.js 2.1.0".into(), "Order Completed".into());
    let mut buffer = DraftBuffer::default();
    let mut sent = |n: usize| {
        let record = signalbox_core::Record {
            parts: Parts {
                event_name: Spot::new(50),
                action_source: Spot::new(250),
                event_id: Spot::new(350),
                order_id: Spot::new(1_950),
                value: Spot::new(1_750),
                currency: Spot::new(1_600),
                match_keys: Some(match_keys.clone()),
                ..Parts::default()
            },
            ..signalbox_core::Record::new("Checkout", encoded.clone())
        };
        let trace = Trace {
            received_at: jiff::Timestamp::now().as_millisecond(),
            library: library.clone(),
            event: event.clone(),
            message_id: format!("ajs-next-{n:x}-0123456789abcdef").into(),
            people: People::of([(IdKind::Email, "email"), (IdKind::UserId, "user")], keys),
        };
        Sent {
            draft: Draft::of(
                &made(&record, &trace, Checksum::of(&record.bytes)).made(),
                &mut buffer,
            ),
            record: Arc::new(record),
            trace: Arc::new(trace),
        }
    };
    let one = sent(COLD);
    let sent: Vec<Sent> = (0..COLD).map(&mut sent).collect();
    criterion.bench_function("the draft of a record that was just made", |bench| {
        measured(bench, || {
            let Sent { record, trace, .. } = black_box(&one);
            Draft::of(
                &made(record, trace, Checksum::of(&record.bytes)).made(),
                &mut buffer,
            )
        });
    });
    let folder = tempfile::tempdir().unwrap();
    let history = History::start(Settings::new(folder.path()), keys.clone()).unwrap();
    for (name, by_draft) in [
        ("the end of a sent record", true),
        ("the end of a sent record, its parts read only then", false),
    ] {
        let (mut n, mut notes) = (0, history.notes());
        criterion.bench_function(name, |bench| {
            measured(bench, || {
                // The records of a batch end one after the other, and batches in turn.
                n += 1;
                let batch = n / BATCHED * 7 % (COLD / BATCHED);
                let sent = &sent[batch * BATCHED + n % BATCHED];
                match by_draft {
                    true => end(&sent.draft, &mut notes),
                    false => end_of(made(&sent.record, &sent.trace, Checksum::of(b"{}")), &mut notes),
                }
                if notes.is_full() {
                    notes = history.notes();
                }
            });
        });
    }
    history.close();
}

/// Returns a record without its end, as the router's driver makes it.
fn made<'r>(record: &'r signalbox_core::Record, trace: &'r Trace, checksum: Checksum) -> Record<'r> {
    let summary = record.summary();
    Record {
        library: Some((&*trace.library).into()),
        position: Some(17),
        mapping: Some((&*record.mapping).into()),
        event_name: summary.event_name,
        action_source: summary.action_source,
        match_keys: summary.match_keys.map(Cow::Borrowed),
        parameters: summary.parameters,
        value: summary.value,
        bytes: 2_300,
        checksum: Some(checksum),
        ids: Ids {
            message_id: (&*trace.message_id).into(),
            event_id: summary.event_id.unwrap_or_default(),
            order_id: summary.order_id.unwrap_or_default(),
            people: trace.people.borrowed(),
        },
        ..Record::of_event(
            "web",
            "pinterest",
            (&*trace.event).into(),
            Outcome::Delivered,
            (trace.received_at, 0),
        )
    }
}

/// Notes the end of a record as the router's driver does.
fn end(draft: &Draft, notes: &mut Notes) {
    let ended_at = jiff::Timestamp::now().as_millisecond();
    let end = End {
        ended_at,
        outcome: Outcome::Delivered,
        late: false,
        reason: None,
        message: None,
        request_id: None,
        batch: Some((1, 500)),
    };
    let attempt = Attempt {
        at: ended_at,
        millis: 95,
        status: Some(200),
        result: "delivered".into(),
    };
    notes.end(draft, &end, std::iter::once(attempt));
}

/// Notes the end of a record whose parts were read only then.
fn end_of(record: Record<'_>, notes: &mut Notes) {
    let ended_at = jiff::Timestamp::now().as_millisecond();
    notes.add(&Record {
        ended_at,
        attempts: vec![Attempt {
            at: ended_at,
            millis: 95,
            status: Some(200),
            result: "delivered".into(),
        }],
        batch: Some((1, 500)),
        ..record
    });
}

fn searching(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys();
    let history = History::start(Settings::new(folder.path()), keys.clone()).unwrap();
    // Another bench may have had more memory resident.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (begin, before) = (Instant::now(), resident());
    for n in (0..MANY).step_by(usize::try_from(BATCH * 20).unwrap()) {
        for part in 0..20 {
            history.hand(batch(n + part * BATCH, &history));
        }
        history.flush().unwrap();
    }
    let spent = begin.elapsed();
    let health = history.health();
    println!(
        "{} rows in {spent:.1?} ({:.2} µs each, the making of them included), {} bytes, {} dropped, {:.0} MB resident more",
        health.rows,
        spent.as_secs_f64() * 1e6 / health.rows as f64,
        health.bytes,
        health.dropped,
        resident() - before
    );
    let reader = history.reader();
    let mut n = 17;
    let mut search = |name: &str, kind: IdKind, text: &dyn Fn(u64) -> String| {
        criterion.bench_function(name, |bench| {
            measured(bench, || {
                n = (n * 48_271) % 999_983;
                let ids = reader.keys().hashes(kind, &text(n));
                let page = reader.find(&ids, &Filter::default()).unwrap();
                assert_eq!(page.entries.len(), 1);
                page
            });
        });
    };
    search("search by order among 1,000,000", IdKind::OrderId, &|n| {
        format!("A-{n}")
    });
    search("search by e-mail among 1,000,000", IdKind::Email, &|n| {
        format!("ivy{n}@example.com")
    });
    criterion.bench_function("latest 100", |bench| {
        measured(bench, || reader.latest(&Filter::default(), None, 100).unwrap());
    });
    criterion.bench_function("latest 100 of an outcome that none has", |bench| {
        let filter = Filter {
            outcome: Some("expired".into()),
            ..Filter::default()
        };
        measured(bench, || reader.latest(&filter, None, 100).unwrap());
    });
    criterion.bench_function("the page's quality: a report with details of 7 days", |bench| {
        let report = Report {
            since: Some(jiff::Timestamp::now().as_millisecond() - 7 * 24 * HOUR_MILLIS),
            by: vec![By::Sink, By::EventName, By::Outcome, By::Reason],
            details: true,
            ..Report::default()
        };
        measured(bench, || reader.report(&report).unwrap());
    });
    criterion.bench_function("the five reports of the page's overview", |bench| {
        let now = jiff::Timestamp::now().as_millisecond();
        let day = Some(now - 24 * HOUR_MILLIS);
        let ask = |since, by: &[By], details| {
            let report = Report {
                since,
                by: by.to_vec(),
                details,
                ..Report::default()
            };
            reader.report(&report).unwrap()
        };
        measured(bench, || {
            [
                ask(day, &[By::Hour, By::Outcome, By::Sink], false),
                ask(None, &[By::Day, By::Outcome, By::Sink], false),
                ask(None, &[By::Sink, By::Outcome], false),
                ask(day, &[By::Sink], true),
                ask(None, &[By::Sink, By::Outcome, By::Reason], false),
            ]
        });
    });
    history.close();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = writing, searching
}
criterion_main!(benches);
