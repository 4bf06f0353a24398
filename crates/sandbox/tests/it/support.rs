//! A client and events to send with it.

use serde_json::{Value, json};
use signalbox_sandbox::{Faults, Sandbox, SandboxConfig};

pub(crate) const ACCOUNT: &str = "549755885175";
pub(crate) const HASH: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";

pub(crate) async fn sandbox() -> Sandbox {
    signalbox_sandbox::start(SandboxConfig::default()).await.unwrap()
}

pub(crate) async fn faulty(faults: Value) -> Sandbox {
    let sandbox = sandbox().await;
    sandbox.set_faults(Faults::from_json(&faults.to_string()).unwrap());
    sandbox
}

/// A client with no connection yet.
pub(crate) fn new_client() -> reqwest::Client {
    // reqwest wants a provider even for plain http; only the first test to come here installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

thread_local! {
    /// One per test, since each test has its thread and runtime; making a client reads the machine's certificates.
    static CLIENT: reqwest::Client = new_client();
}

pub(crate) fn client() -> reqwest::Client {
    CLIENT.with(Clone::clone)
}

pub(crate) fn event(id: &str) -> Value {
    json!({
        "event_name": "checkout",
        "action_source": "web",
        "event_time": 1_772_442_122,
        "event_id": id,
        "user_data": { "em": [HASH] },
    })
}

pub(crate) fn data(events: &[Value]) -> String {
    json!({ "data": events }).to_string()
}

/// `n` good events with ids 0, 1, ….
pub(crate) fn good(n: usize) -> String {
    data(&(0..n).map(|id| event(&id.to_string())).collect::<Vec<_>>())
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer {
        status,
        headers,
        text: response.text().await?,
    })
}

pub(crate) fn post_to(
    sandbox: &Sandbox,
    tail: &str,
    body: impl Into<reqwest::Body>,
) -> reqwest::RequestBuilder {
    client()
        .post(format!("{}/ad_accounts/{tail}", sandbox.base_url()))
        .bearer_auth("token-1")
        .body(body)
}

pub(crate) async fn post(sandbox: &Sandbox, body: impl Into<reqwest::Body>) -> Answer {
    send(post_to(sandbox, &format!("{ACCOUNT}/events"), body))
        .await
        .unwrap()
}

pub(crate) async fn own(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Answer {
    let url = format!("http://{}/_sandbox/{path}", sandbox.addr());
    send(
        client()
            .request(method.parse().unwrap(), url)
            .body(body.to_owned()),
    )
    .await
    .unwrap()
}

/// The two sums [`signalbox_sandbox::Counts`] promises.
pub(crate) fn assert_sums_close(sandbox: &Sandbox) {
    let counts = sandbox.counts();
    let reset = counts.faults.get("reset").copied().unwrap_or_default();
    assert_eq!(
        counts.requests,
        counts.by_status.values().sum::<u64>() + reset + counts.abandoned,
        "{counts:?}"
    );
    let fates = counts.accepted + counts.failed + counts.refused + counts.unrecorded + counts.test_events;
    assert_eq!(counts.received, fates, "{counts:?}");
}
