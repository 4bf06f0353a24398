//! A client and events to send with it.

use serde_json::{Value, json};
use signalbox_sandbox::{Faults, Sandbox, SandboxConfig, Vendor};

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
        .bearer_auth(TOKEN)
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

pub(crate) const TOKEN: &str = "token-1";
pub(crate) const PIXEL: &str = "1203948576120394";
pub(crate) const SOURCE: &str = "C4SANDBOX0HOME000001";

/// A time of a moment ago, in Unix seconds.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs() - 1
}

pub(crate) fn meta_event(id: &str) -> Value {
    json!({
        "event_name": "Lead",
        "event_time": now(),
        "action_source": "website",
        "event_source_url": "https://shop.example/",
        "event_id": id,
        "user_data": { "em": [HASH], "client_user_agent": "UA" },
    })
}

pub(crate) fn tiktok_event(id: &str) -> Value {
    json!({
        "event": "Lead",
        "event_time": now(),
        "event_id": id,
        "user": { "email": HASH },
        "page": { "url": "https://shop.example/" },
    })
}

/// A request to the vendor with this body.
pub(crate) fn request_to(sandbox: &Sandbox, vendor: Vendor, body: &Value) -> reqwest::RequestBuilder {
    let base = sandbox.base_url_of(vendor);
    let request = match vendor {
        Vendor::Pinterest => client().post(format!("{base}/ad_accounts/{ACCOUNT}/events")),
        Vendor::Meta => client().post(format!("{base}/v26.0/{PIXEL}/events")),
        Vendor::TikTok => client().post(format!("{base}/open_api/v1.3/event/track/")),
    };
    let request = match vendor {
        Vendor::TikTok => request.header("access-token", TOKEN),
        _ => request.bearer_auth(TOKEN),
    };
    request
        .header("content-type", "application/json")
        .body(body.to_string())
}

/// The body of a request to the vendor that holds these events.
pub(crate) fn body_of(vendor: Vendor, events: &[Value]) -> Value {
    match vendor {
        Vendor::TikTok => json!({ "event_source": "web", "event_source_id": SOURCE, "data": events }),
        _ => json!({ "data": events }),
    }
}

/// A good event of the vendor.
pub(crate) fn event_of(vendor: Vendor, id: &str) -> Value {
    match vendor {
        Vendor::Pinterest => event(id),
        Vendor::Meta => meta_event(id),
        Vendor::TikTok => tiktok_event(id),
    }
}

/// A request with `n` good events with ids 0, 1, ….
pub(crate) fn good_of(sandbox: &Sandbox, vendor: Vendor, n: usize) -> reqwest::RequestBuilder {
    let events: Vec<Value> = (0..n).map(|id| event_of(vendor, &id.to_string())).collect();
    request_to(sandbox, vendor, &body_of(vendor, &events))
}
