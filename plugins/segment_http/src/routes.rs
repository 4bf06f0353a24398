//! Which path is what.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, on, post};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, HOST};
use signalbox_segment::ingest::{Endpoint, EventType, Origin};

use crate::ingest::Server;
use crate::{cors, reply, sdk_settings};

/// Paths of single events, with the short forms that only browsers use.
const SINGLE: [(EventType, &str, &str); 6] = [
    (EventType::Track, "/v1/track", "/v1/t"),
    (EventType::Identify, "/v1/identify", "/v1/i"),
    (EventType::Page, "/v1/page", "/v1/p"),
    (EventType::Screen, "/v1/screen", "/v1/s"),
    (EventType::Group, "/v1/group", "/v1/g"),
    (EventType::Alias, "/v1/alias", "/v1/a"),
];

/// Paths of batches: server SDKs, browsers and apps, older SDKs (Java's with a slash).
const BATCH: [(&str, Origin); 4] = [
    ("/v1/batch", Origin::Unknown),
    ("/v1/b", Origin::LikelyDevice),
    ("/v1/import", Origin::Unknown),
    ("/v1/import/", Origin::Unknown),
];

pub(crate) fn router(server: Arc<Server>) -> Router {
    let mut router = Router::new();
    for (kind, long, short) in SINGLE {
        router = router
            .route(long, takes(Endpoint::Single(kind), Origin::Unknown))
            .route(short, takes(Endpoint::Single(kind), Origin::Device))
            .route(
                &format!("/v1/pixel/{}", kind.name()),
                get(
                    move |State(server): State<Arc<Server>>, request: Request| async move {
                        server.pixel(kind, request).await
                    },
                )
                .merge(others("GET, OPTIONS")),
            );
    }
    for (path, origin) in BATCH {
        router = router.route(path, takes(Endpoint::Batch, origin));
    }
    router
        .route("/v1/m", post(metrics).merge(others("POST, OPTIONS")))
        .route(
            "/v1/projects/{key}/settings",
            get(settings).merge(others("GET, OPTIONS")),
        )
        .fallback(|| async { reply::not_found("no such path") })
        .with_state(server)
}

type Routes = MethodRouter<Arc<Server>>;

fn takes(endpoint: Endpoint, origin: Origin) -> Routes {
    post(
        move |State(server): State<Arc<Server>>, request: Request| async move {
            server.post(endpoint, origin, request).await
        },
    )
    .merge(others("POST, OPTIONS"))
}

/// Preflights, and 405 for the rest.
fn others(allow: &'static str) -> Routes {
    on(
        axum::routing::MethodFilter::OPTIONS,
        |headers: HeaderMap| async move { cors::preflight(&headers) },
    )
    .fallback(move || async move { reply::method_not_allowed(allow) })
}

/// What SDKs tell about themselves: nobody's to keep, but they want a 200.
async fn metrics(State(server): State<Arc<Server>>, request: Request) -> Response {
    server.forget(request).await
}

async fn settings(
    State(server): State<Arc<Server>>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !server.keys.knows(&key) {
        return reply::not_found("unknown write key");
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(url) = server
        .public_url
        .clone()
        .or_else(|| sdk_settings::PublicUrl::of_host(host?))
    else {
        return reply::not_found("no host to name in the settings");
    };
    let mut response = reply::json(sdk_settings::document(&key, &url));
    response.headers_mut().insert(
        CACHE_CONTROL,
        http::HeaderValue::from_static("public, max-age=120"),
    );
    response
}
