//! The paths, and their answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, on, post};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, HOST};
use signalbox_segment::ingest::{Endpoint, EventType, Origin};

use crate::ingest::{Ingest, foreign_origin};
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

pub(crate) fn router(server: Arc<Ingest>) -> Router {
    let mut router = Router::new();
    for (kind, long, short) in SINGLE {
        router = router
            .route(long, takes(Endpoint::Single(kind), Origin::Unknown))
            .route(short, takes(Endpoint::Single(kind), Origin::Device))
            .route(
                &format!("/v1/pixel/{}", kind.name()),
                get(
                    move |State(server): State<Arc<Ingest>>, request: Request| async move {
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
        .route(
            "/analytics.js/v1/{key}/analytics.min.js",
            get(script).merge(others("GET, OPTIONS")),
        )
        .route(
            "/analytics-next/bundles/{name}",
            get(chunk).merge(others("GET, OPTIONS")),
        )
        .fallback(|| async { reply::not_found("no such path") })
        .with_state(server)
}

type Routes = MethodRouter<Arc<Ingest>>;

fn takes(endpoint: Endpoint, origin: Origin) -> Routes {
    post(
        move |State(server): State<Arc<Ingest>>, request: Request| async move {
            server.post(endpoint, origin, request).await
        },
    )
    .merge(others("POST, OPTIONS"))
}

/// Answers preflights, and 405 for other methods.
fn others(allow: &'static str) -> Routes {
    on(
        axum::routing::MethodFilter::OPTIONS,
        |headers: HeaderMap| async move { cors::preflight(&headers) },
    )
    .fallback(move || async move { reply::method_not_allowed(allow) })
}

/// Discards the metrics that SDKs send about themselves; they expect a 200.
async fn metrics(State(server): State<Arc<Ingest>>, request: Request) -> Response {
    server.forget(request).await
}

async fn settings(State(server): State<Arc<Ingest>>, Path(key): Path<String>, request: Request) -> Response {
    let Some(known) = server.settings.keys.find(&key) else {
        let (head, _) = request.into_parts();
        return match server.count_wrong_key(&head) {
            None => reply::not_found("unknown write key"),
            Some(wait) => reply::too_many_wrong_keys(wait),
        };
    };
    let headers = request.headers();
    if !known.allows(headers) {
        return reply::forbidden(&foreign_origin());
    }
    // HTTP/2 has no `Host`; its name is in the target.
    let asked = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| Some(request.uri().authority()?.as_str()))
        .filter(|host| sdk_settings::is_host(host));
    let Some(host) = server.settings.public_host.as_deref().or(asked) else {
        return reply::not_found("no host to name in the settings");
    };
    let document = sdk_settings::SettingsDocument {
        key: &key,
        host,
        protocol: server.protocol(&request),
        http_config: server.settings.http_config,
        consent: server.settings.consent.as_ref(),
    };
    let mut response = reply::json(document.write());
    response.headers_mut().insert(
        CACHE_CONTROL,
        http::HeaderValue::from_static("public, max-age=120"),
    );
    response
}

/// The browser library, for pages whose snippet names this source as its CDN.
async fn script(State(server): State<Arc<Ingest>>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    match &server.settings.analytics_js {
        Some(library) if server.settings.keys.find(&key).is_some() => library.script(&headers),
        Some(_) => reply::not_found("unknown write key"),
        None => reply::not_found("no library is served here; see the setting `analytics_js`"),
    }
}

async fn chunk(State(server): State<Arc<Ingest>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let library = server.settings.analytics_js.as_ref();
    library
        .and_then(|library| library.chunk(&name, &headers))
        .unwrap_or_else(|| reply::not_found("no such part of the library"))
}
