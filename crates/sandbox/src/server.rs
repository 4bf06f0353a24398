//! Paths and methods, and the sandbox's own addresses under `/_sandbox`.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode};

use crate::api::Api;
use crate::endpoint;
use crate::faults::Faults;
use crate::inject::Injector;
use crate::meta::Meta;
use crate::pinterest::Pinterest;
use crate::reply::Reply;
use crate::request_guard::RequestGuard;
use crate::state::Shared;
use crate::tiktok::TikTok;
use crate::vendor::Vendor;

/// Largest body read. The vendors publish no limit; this one only protects the machine.
pub(crate) const MAX_BODY: usize = 32 << 20;

/// Default of `limit` in `GET /_sandbox/events`.
const EVENTS_SHOWN: usize = 100;

/// Routes every path to one function, so that unknown paths are answered in the vendor's shape, too.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(entry).with_state(shared)
}

async fn entry(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // An error means too long or broken off: either way the rest of the body is not coming.
    let body = to_bytes(body, MAX_BODY).await.ok();
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if let Some(own) = path.strip_prefix("/_sandbox/") {
        return own_address(&shared, &parts.method, own, query, &body.unwrap_or_default()).into_response();
    }
    let target = without_token(path, query);
    let vendor = Vendor::of_path(path).filter(|vendor| shared.config.vendors.contains(vendor));
    let guard = RequestGuard::new(
        Arc::clone(&shared),
        vendor,
        target,
        body.clone().unwrap_or_default(),
    );
    let reply = match vendor {
        Some(vendor) => endpoint::answer(&shared, api(vendor), &parts, body).await,
        None => Reply::not_found(),
    };
    guard.close(&reply);
    reply.into_response()
}

/// Returns the vendor's API.
fn api(vendor: Vendor) -> &'static dyn Api {
    match vendor {
        Vendor::Pinterest => &Pinterest,
        Vendor::Meta => &Meta,
        Vendor::TikTok => &TikTok,
    }
}

/// Returns path and query without the value of an `access_token`.
fn without_token(path: &str, query: &str) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let pairs: Vec<&str> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some(("access_token", _)) => "access_token=[redacted]",
            _ => pair,
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

/// Returns the value of a query's parameter.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find_map(|(key, value)| (key == name).then_some(value))
}

fn own_address(shared: &Shared, method: &Method, path: &str, query: &str, body: &Bytes) -> Reply {
    let vendor = match parameter(query, "vendor").map(str::parse::<Vendor>).transpose() {
        Ok(vendor) => vendor,
        Err(message) => return Reply::other(StatusCode::BAD_REQUEST, &format!("vendor: {message}")),
    };
    let mut memory = shared.memory();
    match (path, method.as_str()) {
        ("faults", "GET") => Reply::json(StatusCode::OK, memory.faults(vendor)),
        ("faults", "PUT") => {
            let text = std::str::from_utf8(body).map_err(|_| "not UTF-8".to_owned());
            match text.and_then(Faults::from_json) {
                Ok(faults) => {
                    match vendor {
                        Some(vendor) => *memory.injector(vendor) = Injector::new(faults),
                        None => memory.set_common_faults(faults),
                    }
                    Reply::json(StatusCode::OK, memory.faults(vendor))
                }
                Err(message) => Reply::other(StatusCode::BAD_REQUEST, &message),
            }
        }
        ("counts", "GET") => match vendor {
            Some(vendor) => Reply::json(StatusCode::OK, &memory.counts().of(vendor)),
            None => Reply::json(StatusCode::OK, memory.counts()),
        },
        ("events", "GET") => {
            let limit = parameter(query, "limit");
            let Ok(limit) = limit.map_or(Ok(EVENTS_SHOWN), str::parse) else {
                return Reply::other(StatusCode::BAD_REQUEST, "limit: must be a whole number");
            };
            let wanted = |(of, _): &(Vendor, String)| vendor.is_none_or(|vendor| vendor == *of);
            let mut lines = String::new();
            for (_, event) in memory.events.newest(limit, wanted) {
                lines.push_str(&crate::json::one_line(&event));
                lines.push('\n');
            }
            Reply::text(StatusCode::OK, "application/x-ndjson", lines)
        }
        ("reset", "POST") => {
            memory.reset();
            Reply::json(StatusCode::OK, memory.counts())
        }
        ("faults" | "counts" | "events" | "reset", _) => Reply::not_allowed(),
        _ => Reply::not_found(),
    }
}
