//! The contract kit finds breaches: each sink here breaks one rule.

use std::sync::Arc;

use signalbox_core::{Event, Framing, Outcome, Prepared, Reason, Record, Secret, Sink, Verdict};
use signalbox_http::{
    ClientOptions, Destination, HeaderMap, HttpSink, Method, Reply, Request, StatusTable, bearer, join,
    parse_url,
};

use super::{Promise, Replies, SECRET, check, check_promise, check_unwritable, sample};

/// A breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    TwoHundredIsFine,
    Quotes,
    Panics,
    Framing,
    ProbeLies,
    TooFew,
    Deaf,
    RejectsWhenThrottled,
    TakesFaultsForHolds,
}

struct Plain {
    base: String,
    fault: Fault,
}

impl Destination for Plain {
    fn encode(&self, event: &Event) -> Prepared {
        Prepared::Mapped(vec![Ok(Record::new("plain", event.to_json()))])
    }

    fn request(&self, records: &[Arc<Record>]) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", bearer(&Secret::new(SECRET)).unwrap());
        Request {
            method: Method::POST,
            url: parse_url(&format!("{}/{SECRET}", self.base)).unwrap(),
            headers,
            body: join("[", records.iter().map(|record| &record.bytes), ",", "]"),
        }
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>]) -> Verdict {
        let body = String::from_utf8_lossy(&reply.body);
        match (reply.status.as_u16(), self.fault) {
            (200, Fault::TwoHundredIsFine) => Verdict::All(Outcome::delivered()),
            (200, Fault::TooFew) => Verdict::Settled(vec![Outcome::Rejected(Reason::new("no", "no"))]),
            (400, Fault::Quotes) => Verdict::Isolate(Reason::new("quoted", body)),
            (418, Fault::Panics) => panic!("a teapot"),
            (400, Fault::TakesFaultsForHolds) => Verdict::Hold(Reason::new("held", "the operator must act")),
            (429, Fault::RejectsWhenThrottled) => {
                Verdict::All(Outcome::Rejected(Reason::new("too_many", "too many requests")))
            }
            (200, _) if body == "ok" && self.fault != Fault::Deaf => {
                Verdict::Settled(vec![Outcome::delivered(); records.len()])
            }
            _ => StatusTable::new().failure(reply, ""),
        }
    }

    fn probe(&self) -> Option<Request> {
        (self.fault != Fault::ProbeLies).then(|| self.request(&[]))
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        Err(StatusTable::new().reason(reply, ""))
    }

    fn framing(&self) -> Framing {
        Framing {
            request: if self.fault == Fault::Framing { 1 } else { 2 },
            separator: 1,
        }
    }
}

fn build(fault: Fault) -> impl Fn(&str) -> Box<dyn Sink> {
    move |base| {
        let base = base.to_owned();
        Box::new(HttpSink::new(Plain { base, fault }, &ClientOptions::default()).unwrap())
    }
}

fn replies() -> Promise {
    Promise {
        replies: Replies {
            accepts: Some(|_| "ok".into()),
            refused: &[(400, "{echo}")],
            throttled: &[(429, "{echo}")],
            unauthorized: &[(401, "{echo}")],
            ..Replies::default()
        },
        ..Promise::default()
    }
}

#[tokio::test]
async fn a_sink_that_keeps_it_passes() {
    check("plain", build(Fault::None), &sample()).await;
    check_promise("plain", build(Fault::None), &sample(), replies()).await;
}

#[tokio::test]
async fn a_promise_is_an_exception() {
    let promise = Promise {
        status_delivers: |status| status == 200,
        ..Promise::default()
    };
    check_promise("plain", build(Fault::TwoHundredIsFine), &sample(), promise).await;
}

#[tokio::test]
async fn breaches_are_found() {
    for (fault, words) in [
        (
            Fault::TwoHundredIsFine,
            "delivered, though the destination never said so",
        ),
        (Fault::Quotes, "plain: status 400 with"),
        (Fault::Panics, "plain: status 418: the sink panicked"),
        (Fault::Framing, "longer than its framing says"),
        (Fault::ProbeLies, "the probe says that deliveries can work"),
        (Fault::TooFew, "rejected, though nobody refused it"),
        (Fault::Deaf, "wanted Delivered, not another attempt"),
        (Fault::RejectsWhenThrottled, "rejected, though nobody refused it"),
        (Fault::TakesFaultsForHolds, "held for"),
    ] {
        let check =
            tokio::spawn(async move { check_promise("plain", build(fault), &sample(), replies()).await });
        let panic = check.await.expect_err("a breach").into_panic();
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        assert!(text.contains(words), "{fault:?}: {text}");
    }
}

#[tokio::test]
async fn what_cannot_write_delivers_nothing() {
    check_unwritable("plain", build(Fault::None)(&crate::server::nobody()), &sample()).await;
}
