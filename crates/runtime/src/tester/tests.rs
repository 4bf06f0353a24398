//! The tester with a sink whose records are small JSON.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use signalbox_core::{
    Batch, Clause, Document, FieldOutline, Firing, Flow, MappingOutline, Outcome, Path, Reason, Receipt,
    Record, Rejection, Report, RequestText, Scalar, Sha256Hex, Sink, Standing, TestMode, TestReply,
    Transform,
};

use super::*;
use crate::delivery::{RequestLimits, SinkOptions, Stage};
use crate::routing::Route;

/// Makes two kinds of records: `order` for calls with a total, `visit` for pages.
struct Shop {
    mode: Option<TestMode>,
    answers_after: Duration,
}

fn at<'e>(event: &'e Json, path: &str) -> &'e Json {
    path.split('.').fold(event, |json, key| &json[key])
}

impl Shop {
    fn order(event: &Json) -> Result<Json, Reason> {
        let mails = ["traits.email", "context.traits.email"].map(|path| at(event, path).as_str());
        let Some(id) = at(event, "messageId").as_str() else {
            return Err(Reason::new("no_id", "there is no id"));
        };
        let mut record = json!({ "name": "order", "id": id, "kind": "shop" });
        if let Some(mail) = mails.into_iter().flatten().next() {
            record["mails"] = json!([Sha256Hex::of(&mail.to_lowercase()).as_str()]);
        }
        let number = |path| at(event, path).as_f64();
        let product = number("properties.price").zip(number("properties.quantity"));
        let total = number("properties.total").or(product.map(|(price, quantity)| price * quantity));
        record["total"] = json!(total.map(|total| total.to_string()));
        if let Some(note) = at(event, "properties.note").as_str() {
            record["note"] = json!(format!("note: {note}"));
        }
        Ok(record)
    }
}

#[async_trait]
impl Sink for Shop {
    fn prepare(&self, event: &Event) -> Prepared {
        if event.event_type() != "track" {
            return Prepared::Filtered(Reason::new(
                "no_trigger_matched",
                "no mapping listens to this event",
            ));
        }
        let json: Json = serde_json::from_str(&event.to_json()).unwrap();
        Prepared::Mapped(vec![match Shop::order(&json) {
            Ok(record) => Ok(Record::new("Order", record.to_string().into_bytes())),
            Err(reason) => Err(Rejection {
                mapping: "Order".into(),
                reason,
                warnings: Vec::new(),
            }),
        }])
    }

    async fn deliver(&self, batch: Batch) -> Report {
        batch.settle_all(|_| Outcome::delivered())
    }

    async fn probe(&self) -> Result<(), Reason> {
        Ok(())
    }

    fn mappings(&self) -> Vec<MappingOutline> {
        let mails = ["traits.email", "context.traits.email"];
        vec![MappingOutline {
            name: "Order".to_owned(),
            fields: vec![FieldOutline {
                field: "mail".to_owned(),
                sent_as: "mails".to_owned(),
                source: mails.join(", else "),
                paths: mails.map(str::to_owned).to_vec(),
                derived: String::new(),
            }],
            ..MappingOutline::default()
        }]
    }

    fn firings(&self, event: &Event) -> Vec<Firing> {
        let mail = event.get(&Path::new("traits.email"));
        let holds = event.event_type() == "track";
        vec![Firing {
            mapping: "Order".to_owned(),
            fires: holds,
            trigger: Some(Clause::Test {
                holds,
                text: "traits.email != null".to_owned(),
                path: "traits.email".to_owned(),
                found: Standing::Text,
                value: mail.and_then(|mail| mail.as_str()).map(str::to_owned),
            }),
        }]
    }

    fn request(&self, record: &Arc<Record>) -> Option<RequestText> {
        Some(RequestText {
            method: "POST".to_owned(),
            url: "https://shop.example/events".to_owned(),
            headers: Vec::new(),
            body: String::from_utf8_lossy(&record.bytes).into_owned(),
        })
    }

    fn test_mode(&self) -> Option<TestMode> {
        self.mode
    }

    async fn send_test(&self, record: Arc<Record>, code: Option<&str>) -> Result<TestReply, TestFailure> {
        tokio::time::sleep(self.answers_after).await;
        Ok(TestReply {
            status: 200,
            request_id: None,
            accepted: true,
            reading: code.map(str::to_owned),
            body: String::from_utf8_lossy(&record.bytes).into_owned(),
        })
    }
}

/// Writes a city, and filters events of bots.
struct Geo;

impl Transform for Geo {
    fn apply(&self, event: &mut Event) -> Flow {
        if event.get(&Path::new("context.bot")).is_some() {
            return Flow::Filtered(Reason::new("bot", "a bot sent the event"));
        }
        event.set(&Path::new("context.city"), Scalar::String("Ulm"));
        event.remove(&Path::new("context.ip"));
        Flow::Pass
    }
}

fn tester(shop: Shop) -> Tester {
    let options = SinkOptions {
        name: "shop".into(),
        inputs: vec!["web".into()],
        through: vec!["geo".into()],
        requests: RequestLimits {
            timeout: Duration::from_secs(5),
            ..RequestLimits::default()
        },
        ..SinkOptions::default()
    };
    let stage = Stage {
        route: Route {
            consent_categories: vec!["ads".to_owned()],
            integration: "Shop".to_owned(),
            ..Route::default()
        },
        transforms: vec![Box::new(Geo)],
        sink: Arc::new(shop),
    };
    let sink = TestedSink {
        options: Arc::new(options),
        stage: Arc::new(stage),
        rate_group: Arc::default(),
    };
    Tester {
        sinks: BTreeMap::from([("shop".into(), sink)]),
        sources: BTreeMap::new(),
    }
}

fn shop() -> Shop {
    Shop {
        mode: None,
        answers_after: Duration::ZERO,
    }
}

fn stored(event: &Json) -> Input<'static> {
    let receipt = Receipt {
        source: "web".into(),
        received_at: 1,
    };
    let document = Document::parse(&event.to_string()).unwrap();
    Input::Stored(Arc::new(Event::new(document, receipt).unwrap()))
}

fn order() -> Json {
    json!({
        "type": "track", "messageId": "m-1", "traits": { "email": "Ivy@example.com" },
        "context": { "ip": "198.51.100.7", "traits": { "email": "ivy@example.com" } },
        "properties": { "price": 2.5, "quantity": 4, "note": "for ivy@example.com" },
    })
}

fn run(event: &Json, plain: bool) -> Trial {
    let trials = tester(shop()).run(&stored(event), None, plain).unwrap();
    trials.into_iter().next().unwrap()
}

/// Returns the field's value, how it was made and from where.
fn field(trial: &Trial, path: &str) -> (String, How, String) {
    let found = trial.records[0]
        .fields
        .iter()
        .find(|field| field.path == path)
        .unwrap();
    let from: Vec<_> = found.from.iter().map(|origin| origin.path.as_str()).collect();
    (found.value.clone(), found.how, from.join(" "))
}

#[test]
fn each_value_of_a_record_tells_where_it_comes_from() {
    let trial = run(&order(), true);
    assert_eq!(trial.outcome, TrialOutcome::Mapped, "{trial:#?}");
    let hash = Sha256Hex::of("ivy@example.com").as_str().to_owned();
    for (path, expected) in [
        ("name", ("order".to_owned(), How::Fixed, "".to_owned())),
        ("kind", ("shop".to_owned(), How::Fixed, "".to_owned())),
        // Without it there is no record.
        ("id", ("m-1".to_owned(), How::Copied, "messageId".to_owned())),
        // Two places hold the same address; the mapping takes the first.
        ("mails[0]", (hash, How::Hashed, "traits.email".to_owned())),
        (
            "total",
            (
                "10".to_owned(),
                How::WorkedOut,
                "properties.price properties.quantity".to_owned(),
            ),
        ),
        (
            "note",
            (
                "note: for ivy@example.com".to_owned(),
                How::WorkedOut,
                "properties.note".to_owned(),
            ),
        ),
    ] {
        assert_eq!(field(&trial, path), expected, "{path}");
    }
    let rules: Vec<&str> = trial.records[0]
        .fields
        .iter()
        .map(|field| field.rule.as_str())
        .collect();
    assert!(
        rules.contains(&"traits.email, else context.traits.email"),
        "{rules:?}"
    );

    // A value that is there but does not count is no source.
    let mut other = order();
    other["properties"]["total"] = json!(7);
    assert_eq!(
        field(&run(&other, true), "total"),
        ("7".to_owned(), How::Copied, "properties.total".to_owned())
    );
    other["traits"] = json!({});
    assert_eq!(field(&run(&other, true), "mails[0]").2, "context.traits.email");
}

#[test]
fn transforms_show_the_values_that_they_change() {
    let trial = run(&order(), true);
    let step = trial.steps.last().unwrap();
    assert_eq!(
        (&*step.kind, &*step.name, step.outcome),
        ("transform", "geo", StepOutcome::Passed)
    );
    let changes: Vec<_> = step
        .changes
        .iter()
        .map(|change| {
            (
                change.path.as_str(),
                change.changed,
                change.before.as_deref(),
                change.after.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            ("context.city", Changed::Added, None, Some("Ulm")),
            ("context.ip", Changed::Removed, Some("198.51.100.7"), None),
        ]
    );
    let mut bot = order();
    bot["context"]["bot"] = json!(true);
    let trial = run(&bot, true);
    assert_eq!(trial.outcome, TrialOutcome::Filtered);
    assert_eq!(trial.reason.as_ref().unwrap().code, "bot");
    assert!(trial.mappings.is_empty() && trial.records.is_empty());
    assert_eq!(trial.steps.last().unwrap().outcome, StepOutcome::Filtered);
}

#[test]
fn the_rule_that_filters_is_the_last_step() {
    for (key, value, rule) in [
        (
            "context",
            json!({ "consent": { "categoryPreferences": { "ads": false } } }),
            "consent",
        ),
        ("integrations", json!({ "All": false }), "integrations"),
    ] {
        let mut event = order();
        event[key] = value;
        let trial = run(&event, true);
        assert_eq!(trial.outcome, TrialOutcome::Filtered);
        let last = trial.steps.last().unwrap();
        assert_eq!(
            (&*last.kind, last.outcome),
            (rule, StepOutcome::Filtered),
            "{trial:?}"
        );
        assert!(!last.told.is_empty());
    }
    let page = run(&json!({ "type": "page", "messageId": "m" }), true);
    assert_eq!(
        (page.outcome, page.reason.unwrap().code.as_str()),
        (TrialOutcome::Filtered, "no_trigger_matched")
    );
    assert!(!page.mappings[0].fires);
    let rejected = run(&json!({ "type": "track" }), true);
    assert_eq!(rejected.outcome, TrialOutcome::Rejected);
    assert_eq!(rejected.records[0].reason.as_ref().unwrap().code, "no_id");
}

#[test]
fn callers_who_may_not_see_personal_values_see_none() {
    // The plugin that hashes is not linked here, so every value of the event is hidden.
    let trial = run(&order(), false);
    let text = serde_json::to_string(&trial).unwrap();
    for personal in ["Ivy", "ivy@", "198.51.100.7"] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    let hash = Sha256Hex::of("ivy@example.com").as_str().to_owned();
    assert!(text.contains(&hash), "hashes are shown: {text}");
    assert_eq!(field(&trial, "note").0, "…");
    assert_eq!(field(&trial, "mails[0]").2, "traits.email", "paths are shown");
    let plain = serde_json::to_string(&run(&order(), true)).unwrap();
    assert!(
        plain.contains("198.51.100.7") && plain.contains("for ivy@example.com"),
        "{plain}"
    );
}

#[test]
fn unknown_names_are_told() {
    let tester = tester(shop());
    let error = tester.run(&stored(&order()), Some("other"), true).unwrap_err();
    assert_eq!(error, "there is no running sink 'other'");
    let read = |_: &Arc<str>| unreachable!();
    let sent = Input::Sent {
        source: Some("other"),
        read: &read,
    };
    assert_eq!(
        tester.run(&sent, None, true).unwrap_err(),
        "there is no running source 'other'"
    );
    let mut elsewhere = tester;
    elsewhere.sinks.values_mut().for_each(|sink| {
        sink.options = Arc::new(SinkOptions {
            inputs: vec!["app".into()],
            ..SinkOptions::clone(&sink.options)
        });
    });
    let error = elsewhere.run(&stored(&order()), None, true).unwrap_err();
    assert_eq!(error, "no sink listens to the event's source");
}

fn sending<'a>(code: Option<&'a str>, counts_confirmed: bool) -> TestSend<'a> {
    TestSend {
        sink: "shop",
        mapping: None,
        code,
        counts_confirmed,
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_event_is_sent_once_its_conditions_are_met() {
    let event = stored(&order());
    let error = tester(shop())
        .send(&event, &sending(None, true))
        .await
        .unwrap_err();
    assert!(error.contains("knows no test events"), "{error}");
    let counting = || Shop {
        mode: Some(TestMode {
            needs_code: false,
            counts: true,
        }),
        ..shop()
    };
    let error = tester(counting())
        .send(&event, &sending(None, false))
        .await
        .unwrap_err();
    assert!(error.contains("confirm"), "{error}");
    let reply = tester(counting())
        .send(&event, &sending(Some("T1"), true))
        .await
        .unwrap();
    assert_eq!(reply.reading.as_deref(), Some("T1"));
    assert!(reply.body.contains("\"id\":\"m-1\""), "{}", reply.body);
    let page = stored(&json!({ "type": "page", "messageId": "m" }));
    let error = tester(counting())
        .send(&page, &sending(None, true))
        .await
        .unwrap_err();
    assert!(error.contains("no mapping listens"), "{error}");
    let slow = Shop {
        answers_after: Duration::from_secs(6),
        ..counting()
    };
    let error = tester(slow).send(&event, &sending(None, true)).await.unwrap_err();
    assert_eq!(error, "there is no answer within 5s");
}

#[tokio::test(start_paused = true)]
async fn a_test_event_waits_for_the_rate_limit_but_not_for_ever() {
    use crate::rate_group::RateGroup;
    use signalbox_core::limiter::Quota;
    let mut tester = tester(Shop {
        mode: Some(TestMode {
            needs_code: false,
            counts: false,
        }),
        ..shop()
    });
    let per_minute = |calls: u32| Quota::per_minute(std::num::NonZeroU32::new(calls).unwrap());
    for (calls, answered) in [(10, true), (1, false)] {
        let group = Arc::new(RateGroup::full(Some(per_minute(calls))));
        group.take().unwrap();
        tester
            .sinks
            .values_mut()
            .for_each(|sink| sink.rate_group = group.clone());
        let started = Instant::now();
        let sent = tester.send(&stored(&order()), &sending(None, false)).await;
        assert_eq!(sent.is_ok(), answered, "{sent:?}");
        assert_eq!(started.elapsed() >= Duration::from_secs(5), answered);
    }
}
