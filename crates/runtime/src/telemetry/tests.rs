use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;

use signalbox_core::{Event, HumanDuration, Reason, Receipt};
use signalbox_journal::{Progress, SinkState, Totals};

use super::*;
use crate::hold::HoldCause;
use crate::ledger::DrivenBy;

const DOCS: &str = include_str!("../../../../docs/operations.md");

/// A ledger of one source and one sink in which everything has happened.
fn busy() -> Ledger {
    let mut ledger = Ledger::default();
    let source = SourceLedger::default();
    source.received.add(15);
    source.journalled.add(10);
    source.duplicate.add(2);
    source.filtered.add("opted_out", 1);
    source.rejected.add("not_json", 1);
    source.refused.add("journal_full", 1);
    source.vitals.set_certificate_expiry(1_900_000_000);
    ledger.sources.insert("web".into(), Arc::new(source));
    let sink = SinkLedger::default();
    sink.journalled.add(10);
    sink.delivered.add(4);
    sink.filtered.add("no_trigger", 2);
    let receipt = Receipt {
        source: "web".into(),
        received_at: 0,
    };
    let unheard = Event::parse(r#"{"type":"track","event":"Help Opened"}"#, receipt).unwrap();
    sink.unheard.count(&unheard);
    sink.rejected.add("bad_field", 1);
    sink.expired.add("timeout", 1);
    sink.records.delivered.add(5);
    sink.records.duplicate.add(2);
    sink.records.bytes_delivered.add(5000);
    sink.records.rejected.add("bad_field", 1);
    sink.records.retried.add("rate_limited", 7);
    sink.attempts.add(9);
    sink.records
        .warnings
        .add("left_out custom_data.contents[0].item_price", 2);
    sink.records
        .warnings
        .add("left_out custom_data.contents[1].item_price", 3);
    sink.records.late.add(1);
    sink.records.unattributed.add(1);
    sink.oldest_pending
        .store(jiff::Timestamp::now().as_millisecond() - 7_200_000, Relaxed);
    sink.in_flight.set(2);
    sink.held.begin(
        HoldCause::Destination,
        Reason::new("unauthorized", "the token was refused"),
    );
    ledger.sinks.insert("pin".into(), Arc::new(sink));
    ledger
}

fn telemetry(ledger: &Ledger) -> Telemetry {
    let telemetry = Telemetry::new(&TelemetrySettings::default(), ledger).unwrap();
    let meters = telemetry.sink_meters("pin");
    meters.request(0.2, "settled");
    meters.event_ages(&[1.5, 4000.0, -3.0, f64::NAN]);
    telemetry
}

/// The families of a text exposition: type and label names, each by name. Labels that the format itself uses are
/// left out.
fn families(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut families: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            families.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if let Some((name, rest)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .filter(|name| families.contains_key(*name))
                .unwrap_or(name);
            let labels = rest.split_once('}').unwrap().0;
            let names = labels
                .split("\",")
                .map(|pair| pair.split_once('=').unwrap().0.to_owned());
            families
                .get_mut(family)
                .unwrap()
                .1
                .extend(names.filter(|name| name != "le"));
        }
    }
    families
}

#[test]
fn every_number_of_the_ledger_is_shown() {
    let text = telemetry(&busy()).prometheus_text();
    for line in [
        "signalbox_source_events_received_total{source=\"web\"} 15",
        "signalbox_source_events_journalled_total{source=\"web\"} 10",
        "signalbox_source_events_duplicate_total{source=\"web\"} 2",
        "signalbox_source_events_filtered_total{reason=\"opted_out\",source=\"web\"} 1",
        "signalbox_source_events_rejected_total{reason=\"not_json\",source=\"web\"} 1",
        "signalbox_source_events_refused_total{reason=\"journal_full\",source=\"web\"} 1",
        "signalbox_sink_events_journalled_total{sink=\"pin\"} 10",
        "signalbox_sink_events_delivered_total{sink=\"pin\"} 4",
        "signalbox_sink_events_filtered_total{reason=\"no_trigger\",sink=\"pin\"} 2",
        "signalbox_sink_events_unheard_total{sink=\"pin\"} 1",
        "signalbox_sink_events_rejected_total{reason=\"bad_field\",sink=\"pin\"} 1",
        "signalbox_sink_events_expired_total{reason=\"timeout\",sink=\"pin\"} 1",
        "signalbox_sink_events_pending{sink=\"pin\"} 2",
        "signalbox_sink_oldest_pending_age_seconds{sink=\"pin\"} 72",
        "signalbox_sink_held{cause=\"destination\",sink=\"pin\"} 1",
        "signalbox_sink_holds_total{cause=\"destination\",sink=\"pin\"} 1",
        "signalbox_sink_attempts_total{sink=\"pin\"} 9",
        "signalbox_sink_requests_in_flight{sink=\"pin\"} 2",
        "signalbox_sink_request_duration_seconds_bucket{outcome=\"settled\",sink=\"pin\",le=\"0.1\"} 0",
        "signalbox_sink_request_duration_seconds_bucket{outcome=\"settled\",sink=\"pin\",le=\"0.25\"} 1",
        "signalbox_sink_records_delivered_total{sink=\"pin\"} 5",
        "signalbox_sink_delivered_bytes_total{sink=\"pin\"} 5000",
        "signalbox_sink_records_rejected_total{reason=\"bad_field\",sink=\"pin\"} 1",
        "signalbox_sink_records_retried_total{reason=\"rate_limited\",sink=\"pin\"} 7",
        "signalbox_sink_records_late_total{sink=\"pin\"} 1",
        "signalbox_sink_records_unattributed_total{sink=\"pin\"} 1",
        "signalbox_sink_event_age_seconds_sum{sink=\"pin\"} 4001.5",
        "signalbox_sink_event_age_seconds_count{sink=\"pin\"} 4",
        "signalbox_sink_warnings_total{code=\"left_out\",path=\"custom_data.contents[].item_price\",sink=\"pin\"} 5",
        "signalbox_journal_events 0",
        "signalbox_journal_size_bytes 0",
        "signalbox_journal_max_size_bytes 0",
        "signalbox_source_dead_letters_total{source=\"web\"} 1",
        "signalbox_sink_dead_letters_total{outcome=\"expired\",sink=\"pin\"} 1",
        "signalbox_sink_dead_letters_total{outcome=\"rejected\",sink=\"pin\"} 1",
        "signalbox_source_certificate_expiry_seconds{source=\"web\"} 1900000000",
        "signalbox_telemetry_exports_total{outcome=\"success\"} 0",
    ] {
        assert!(
            text.lines().any(|shown| shown.starts_with(line)),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn numbers_move_with_the_ledger_and_do_not_add_up_between_scrapes() {
    let ledger = busy();
    let telemetry = telemetry(&ledger);
    let _ = telemetry.prometheus_text();
    ledger.sources["web"].received.add(3);
    ledger.sinks["pin"].held.end(HoldCause::Destination);
    let text = telemetry.prometheus_text();
    assert!(
        text.contains("signalbox_source_events_received_total{source=\"web\"} 18"),
        "{text}"
    );
    assert!(
        text.contains("signalbox_sink_held{cause=\"destination\",sink=\"pin\"} 0"),
        "{text}"
    );
}

#[test]
fn the_operations_page_lists_exactly_these_metrics() {
    let mut shown = families(&telemetry(&busy()).prometheus_text());
    shown.remove("target_info").unwrap();
    assert_eq!(shown.len(), METRICS.len());

    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|')
            .split(" | ")
            .map(|cell| cell.replace('`', "").trim().to_owned())
            .collect()
    };
    let rows: Vec<Vec<String>> = DOCS
        .lines()
        .filter(|line| line.starts_with("| `signalbox_"))
        .map(cells)
        .collect();
    let documented = rows
        .iter()
        .map(|row| {
            let labels = row[3]
                .split(", ")
                .filter(|label| *label != "none")
                .map(str::to_owned);
            (row[0].clone(), (row[2].clone(), labels.collect()))
        })
        .collect();
    assert_eq!(shown, documented, "left: the code, right: docs/operations.md");

    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names, rows.iter().map(|row| &*row[1]).collect());
    for (row, metric) in rows
        .iter()
        .flat_map(|row| METRICS.iter().find(|m| m.name == row[1]).map(|m| (row, m)))
    {
        assert!(
            row[0].starts_with(&metric.name.replace('.', "_")),
            "{} and {} in one row",
            row[0],
            row[1]
        );
    }
}

#[test]
fn every_metric_named_on_the_operations_page_exists() {
    let shown = families(&telemetry(&busy()).prometheus_text());
    let words = DOCS.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let missing: Vec<&str> = words
        .filter(|word| word.starts_with("signalbox_") && *word != "signalbox_runtime")
        // The start of names in an expression.
        .filter(|word| !word.ends_with('_') && !shown.contains_key(*word))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn endpoints() {
    for (address, wanted) in [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
        ("https://otel.example.com/", "https://otel.example.com/v1/metrics"),
        ("http://otel:4318/v1/metrics", "http://otel:4318/v1/metrics"),
        (
            "https://otel.example.com/team",
            "https://otel.example.com/team/v1/metrics",
        ),
    ] {
        assert_eq!(otlp::endpoint(address).as_deref(), Ok(wanted));
    }
    for address in [
        "",
        "127.0.0.1:4318",
        "grpc://a",
        "http://",
        "http:///x",
        "https://u:hunter2@a",
        "http://a?k=hunter2",
    ] {
        let error = otlp::endpoint(address).unwrap_err();
        assert!(
            error.contains("OTLP endpoint") && !error.contains("hunter2"),
            "{error}"
        );
    }
}

/// Takes one POST as a collector would and hands on its head and body.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        let end = loop {
            let mut chunk = [0; 4096];
            let n = stream.read(&mut chunk).unwrap();
            assert_ne!(n, 0, "the request ended in its head");
            bytes.extend_from_slice(&chunk[..n]);
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap()
            .parse()
            .unwrap();
        let mut body = bytes.split_off(end);
        let got = body.len();
        body.resize(length, 0);
        stream.read_exact(&mut body[got..]).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        sender.send((head, body)).unwrap();
    });
    (address, receiver)
}

/// The field number, wire type and rest of a protobuf message's first field, and that field's bytes.
fn first_field(message: &[u8]) -> (u8, &[u8]) {
    let (mut length, mut at, mut shift) = (0_usize, 1, 0);
    loop {
        length |= usize::from(message[at] & 0x7f) << shift;
        at += 1;
        if message[at - 1] < 0x80 {
            break;
        }
        shift += 7;
    }
    (message[0], &message[at..at + length])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_arrive_at_a_collector() {
    let (address, received) = collector();
    let options = TelemetrySettings {
        otlp_endpoint: Some(address),
        interval: HumanDuration::from_secs(3600),
    };
    let telemetry = Telemetry::new(&options, &busy()).unwrap();
    telemetry.sink_meters("pin").request(0.2, "settled");
    telemetry.shutdown(Duration::from_secs(60)).await.unwrap();

    let (head, body) = received.recv().unwrap();
    assert!(head.starts_with("post /v1/metrics http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    // ExportMetricsServiceRequest.resource_metrics and, in it, ResourceMetrics.resource: both are field 1, length
    // delimited.
    let (tag, resource_metrics) = first_field(&body);
    assert_eq!(tag, 0x0a);
    assert_eq!(first_field(resource_metrics).0, 0x0a);
    for text in [
        "service.name",
        "signalbox",
        "service.instance.id",
        "signalbox.source.events.received",
        "signalbox.sink.request.duration",
    ] {
        assert!(
            body.windows(text.len()).any(|window| window == text.as_bytes()),
            "{text} is not in the body"
        );
    }
}

#[tokio::test]
async fn a_collector_that_is_not_there_ends_nothing() {
    // Nothing listens on a port that was just closed.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = TelemetrySettings {
        otlp_endpoint: Some(format!("http://{address}")),
        ..TelemetrySettings::default()
    };
    let telemetry = Telemetry::new(&options, &busy()).unwrap();
    let provider = telemetry.provider.clone();
    // The export fails; the text for Prometheus must stay readable.
    assert!(
        tokio::task::spawn_blocking(move || provider.force_flush())
            .await
            .unwrap()
            .is_err()
    );
    let text = telemetry.prometheus_text();
    assert!(
        text.contains("signalbox_source_events_received_total{source=\"web\"} 15"),
        "{text}"
    );
    assert!(
        text.contains("signalbox_telemetry_exports_total{outcome=\"failure\"} 1"),
        "{text}"
    );
    let error = telemetry.shutdown(Duration::from_secs(60)).await.unwrap_err();
    assert!(error.contains("did not reach the OTLP collector"), "{error}");
}

#[tokio::test]
async fn a_collector_that_never_answers_does_not_hold_up_the_end() {
    // The kernel accepts the connection; nothing reads from it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let options = TelemetrySettings {
        otlp_endpoint: Some(address),
        ..TelemetrySettings::default()
    };
    let telemetry = Telemetry::new(&options, &busy()).unwrap();
    let error = telemetry.shutdown(Duration::from_millis(10)).await.unwrap_err();
    assert!(error.contains("did not take the last metrics in time"), "{error}");
}

#[test]
fn the_state_of_a_sink_comes_from_the_router_that_drives_it() {
    let ledger = busy();
    let sink = &ledger.sinks["pin"];
    let telemetry = telemetry(&ledger);
    let state = [
        "events_pending",
        "oldest_pending_age_seconds",
        "held",
        "dead_letters_kept",
    ];
    let shows = |text: &str, name: &str| {
        text.lines()
            .any(|line| line.starts_with(&format!("signalbox_sink_{name}{{")))
    };
    let text = telemetry.prometheus_text();
    assert!(text.contains("signalbox_sink_driven{sink=\"pin\"} 1"), "{text}");
    assert!(state.iter().all(|name| shows(&text, name)), "{text}");
    sink.leave();
    let state_of_others = SinkState {
        progress: Progress {
            totals: Totals {
                delivered: 100,
                ..Totals::default()
            },
            ..Progress::default()
        },
        ..SinkState::default()
    };
    sink.follow(&state_of_others, DrivenBy::Another("router-2".into()));
    let text = telemetry.prometheus_text();
    assert!(text.contains("signalbox_sink_driven{sink=\"pin\"} 0"), "{text}");
    assert!(!state.iter().any(|name| shows(&text, name)), "{text}");
    // The counters of this router stay as they are.
    assert!(
        text.contains("signalbox_sink_events_delivered_total{sink=\"pin\"} 4"),
        "{text}"
    );
    assert_eq!((sink.delivered.get(), sink.pending()), (100, 0));
}
