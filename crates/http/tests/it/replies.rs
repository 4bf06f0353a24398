//! The verdict for each kind of reply, and for each way to get none.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{
    Batch, Event, Framing, Outcome, Prepared, Reason, Record, Score, Scoring, Secret, Sink, Verdict,
};
use signalbox_http::{
    ClientOptions, Destination, HeaderMap, HttpSink, Method, Reply, Request, ScoreRequest, StatusTable,
    bearer, join, parse_url,
};

use crate::server::{Act, Server};

const TOKEN: &str = "token-in-path";

/// Takes 200 with a body of `ok` for delivered.
struct Plain {
    base: String,
}

impl Destination for Plain {
    fn encode(&self, event: &Event) -> Prepared {
        Prepared::Mapped(vec![Ok(Record::new("plain", event.to_json()))])
    }

    fn request(&self, records: &[Arc<Record>]) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", bearer(&Secret::new(TOKEN)).unwrap());
        Request {
            method: Method::POST,
            url: parse_url(&format!("{}/{TOKEN}?key={TOKEN}", self.base)).unwrap(),
            headers,
            body: join("[", records.iter().map(|record| &record.bytes), ",", "]"),
        }
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>]) -> Verdict {
        match (reply.status.as_u16(), &*reply.body) {
            (200, b"ok") => Verdict::Settled(vec![Outcome::delivered(); records.len()]),
            (200, b"one") => Verdict::Settled(vec![Outcome::delivered()]),
            _ => StatusTable::new().failure(reply, ""),
        }
    }

    fn probe(&self) -> Option<Request> {
        Some(Request {
            method: Method::GET,
            ..self.request(&[])
        })
    }

    fn interpret_probe(&self, reply: &Reply) -> Result<(), Reason> {
        if reply.status.is_success() {
            Ok(())
        } else {
            Err(StatusTable::new().reason(reply, ""))
        }
    }

    fn score(&self) -> ScoreRequest {
        match self.probe() {
            Some(request) => ScoreRequest::Send(Box::new(request)),
            None => ScoreRequest::None,
        }
    }

    fn interpret_score(&self, reply: &Reply) -> Result<Vec<Score>, Reason> {
        self.interpret_probe(reply).map(|()| vec![Score::default()])
    }

    fn framing(&self) -> Framing {
        Framing {
            request: 2,
            separator: 1,
        }
    }
}

fn sink(base: String) -> HttpSink<Plain> {
    let options = ClientOptions {
        max_reply_bytes: 10_000,
        ..ClientOptions::default()
    };
    HttpSink::new(Plain { base }, &options).unwrap()
}

fn to(server: &Server) -> HttpSink<Plain> {
    sink(format!("http://{}", server.address))
}

fn batch() -> Batch {
    let record = |n: u8| Arc::new(Record::new("plain", vec![b'0' + n]));
    Batch::new(1, vec![record(1), record(2)])
}

/// Delivers two records, which must both be retried, and gives the reason's code and whether they may have
/// been written.
async fn retried(sink: &HttpSink<Plain>) -> (String, bool) {
    let (_, verdict) = sink.deliver(batch()).await.into_parts();
    let Verdict::Settled(outcomes) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[0], outcomes[1]);
    let Outcome::Retry {
        reason,
        maybe_written,
        ..
    } = &outcomes[0]
    else {
        panic!("{outcomes:?}")
    };
    assert!(!reason.message().contains(TOKEN), "{reason}");
    (reason.code().to_owned(), *maybe_written)
}

async fn retried_after(act: Act) -> (String, bool) {
    retried(&to(&Server::start(act).await)).await
}

fn written(code: &str) -> (String, bool) {
    (code.to_owned(), true)
}

#[tokio::test]
async fn a_good_reply_delivers_over_one_connection() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let server = Server::start(Act::Write(reply)).await;
    let sink = to(&server);
    for _ in 0..3 {
        let (_, verdict) = sink.deliver(batch()).await.into_parts();
        let Verdict::Settled(outcomes) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(outcomes, vec![Outcome::delivered(); 2]);
    }
    assert_eq!(sink.probe().await, Ok(()));
    assert_eq!((server.requests(), server.connections()), (4, 1));
}

#[tokio::test]
async fn an_expired_record_is_not_sent_and_the_others_go_without_it() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let server = Server::start(Act::Write(reply)).await;
    let expiring = |at: u32| {
        Arc::new(Record {
            expires_at: NonZeroU32::new(at),
            ..Record::new("plain", "1")
        })
    };
    let records = vec![expiring(1), expiring(u32::MAX)];
    let (_, verdict) = to(&server).deliver(Batch::new(1, records)).await.into_parts();
    let Verdict::Settled(outcomes) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(matches!(&outcomes[0], Outcome::Rejected(reason) if reason.code() == "too_old"));
    assert!(matches!(
        &outcomes[1],
        Outcome::Retry {
            maybe_written: false,
            ..
        }
    ));
    assert_eq!(server.requests(), 0);
    let records = vec![expiring(u32::MAX)];
    let (_, verdict) = to(&server).deliver(Batch::new(2, records)).await.into_parts();
    assert!(matches!(verdict, Verdict::Settled(outcomes) if outcomes == [Outcome::delivered()]));
}

#[tokio::test]
async fn an_outcome_too_few_retries_all() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none".to_vec();
    assert_eq!(retried_after(Act::Write(reply)).await, written("short_reply"));
}

#[tokio::test]
async fn a_reset_or_end_before_the_reply() {
    assert_eq!(
        retried_after(Act::WriteThenReset(Vec::new())).await,
        written("connection_lost")
    );
    assert_eq!(
        retried_after(Act::WriteThenClose(Vec::new())).await,
        written("connection_lost")
    );
}

#[tokio::test]
async fn a_reset_or_end_inside_the_reply() {
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok".to_vec();
    let head = b"HTTP/1.1 200 OK\r\nContent-Le".to_vec();
    let chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n".to_vec();
    for bytes in [short, head, chunk] {
        assert_eq!(
            retried_after(Act::WriteThenReset(bytes.clone())).await,
            written("connection_lost")
        );
        assert_eq!(
            retried_after(Act::WriteThenClose(bytes)).await,
            written("connection_lost")
        );
    }
}

#[tokio::test]
async fn a_reply_that_is_not_http() {
    for bytes in [
        &b"220 mail.example.com ESMTP\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n",
    ] {
        assert_eq!(
            retried_after(Act::WriteThenClose(bytes.to_vec())).await,
            written("reply_unreadable")
        );
    }
}

#[tokio::test]
async fn a_huge_reply_is_given_up() {
    assert_eq!(retried_after(Act::Flood).await, written("reply_too_large"));
    let declared = b"HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\nok".to_vec();
    assert_eq!(
        retried_after(Act::Write(declared)).await,
        written("reply_too_large")
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(Act::Silence).await;
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let reply = format!(
            "HTTP/1.1 {status}\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
            elsewhere.address
        );
        assert_eq!(
            retried_after(Act::Write(reply.into_bytes())).await,
            written("redirected")
        );
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_body_refused_before_its_end_is_refused() {
    let refused =
        b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let server = Server::start(Act::Early(refused)).await;
    // More than any socket buffers, so the answer comes while the body is being written.
    let record = Arc::new(Record::new("plain", vec![b'1'; 16 << 20]));
    let (_, verdict) = to(&server)
        .deliver(Batch::new(1, vec![record]))
        .await
        .into_parts();
    let Verdict::Isolate(reason) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(reason.code(), "request_too_large");
}

#[tokio::test]
async fn a_silent_server_can_be_given_up() {
    let server = Server::start(Act::Silence).await;
    let sink = to(&server);
    // The time for a request is the runtime's, which drops the delivery: the kit must neither answer for the
    // server nor hold anything back.
    tokio::select! {
        report = sink.deliver(batch()) => panic!("{report:?}"),
        () = server.reached() => {}
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn no_connection_means_nothing_was_written() {
    // A port that was free a moment ago, without a listener.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let unwritten = ("connect_failed".to_owned(), false);
    let refused = sink(format!("http://{free}"));
    assert_eq!(retried(&refused).await, unwritten);
    assert_eq!(refused.probe().await.unwrap_err().code(), "connect_failed");
    // `.invalid` never resolves (RFC 6761).
    assert_eq!(
        retried(&sink("http://signalbox.invalid".to_owned())).await,
        unwritten
    );
}

#[tokio::test]
async fn a_failed_tls_handshake_wrote_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    assert_eq!(
        retried(&sink(format!("https://{address}"))).await,
        ("connect_failed".to_owned(), false)
    );
}

#[tokio::test]
async fn a_proxy_is_used_only_if_set() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let proxy = Server::start(Act::Write(reply)).await;
    let options = ClientOptions {
        proxy: Some(Secret::new(format!("http://ada:secret@{}", proxy.address))),
        ..ClientOptions::default()
    };
    let destination = Plain {
        base: "http://signalbox.invalid".to_owned(),
    };
    let sink = HttpSink::new(destination, &options).unwrap();
    assert_eq!(sink.probe().await, Ok(()));
    assert_eq!(proxy.requests(), 1);
}

#[tokio::test]
async fn statuses_become_verdicts() {
    let verdict = async |head: &str| {
        let reply = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
        let server = Server::start(Act::Write(reply.into_bytes())).await;
        to(&server).deliver(batch()).await.into_parts().1
    };
    assert!(matches!(verdict("400 Bad Request").await, Verdict::Isolate(_)));
    assert!(matches!(verdict("401 Unauthorized").await, Verdict::Hold(_)));
    let Verdict::Settled(outcomes) = verdict("429 Too Many Requests\r\nRetry-After: 3").await else {
        panic!()
    };
    assert!(matches!(
        outcomes[..],
        [
            Outcome::Retry {
                after: Some(wait),
                maybe_written: false,
                ..
            },
            _
        ] if wait == Duration::from_secs(3)
    ));
}

#[tokio::test]
async fn scores_are_asked_for_and_a_failure_says_when_to_ask_again() {
    let asked = async |act: Act| match to(&Server::start(act).await).score().await {
        Scoring::Asked(asked) => asked,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        asked(Act::Write(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()
        ))
        .await
        .unwrap()
        .len(),
        1
    );
    let limited = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n";
    let failure = asked(Act::Write(limited.into())).await.unwrap_err();
    assert_eq!(
        (failure.reason.code(), failure.retry_after),
        ("rate_limited", Some(Duration::from_secs(90)))
    );
    let failure = asked(Act::Write(
        b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n".to_vec(),
    ))
    .await
    .unwrap_err();
    assert_eq!(
        (failure.reason.code(), failure.retry_after),
        ("server_error", None)
    );
    let nobody = sink("http://127.0.0.1:9".to_owned()).score().await;
    let Scoring::Asked(Err(failure)) = nobody else {
        panic!("{nobody:?}")
    };
    assert_eq!(failure.reason.code(), "connect_failed");
}
