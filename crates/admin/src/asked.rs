//! The wishes of a request, and the browser's word about its cause (Fetch Metadata).

use axum::extract::Request;
use axum::http::{Method, Uri};

/// Requests that change something must carry this header, with any value. A page in a browser on this machine cannot
/// send it to another origin without asking first, and is never allowed to.
pub(crate) const HEADER: &str = "x-signalbox";

/// Returns the value of a header that browsers alone set.
fn said<'r>(request: &'r Request, header: &str) -> Option<&'r str> {
    request.headers().get(header)?.to_str().ok()
}

/// True if the browser says that a page of this address, or its user's typing, caused the request.
pub(crate) fn is_asked_by_a_person(request: &Request) -> bool {
    let site = said(request, "sec-fetch-site");
    request.method() == Method::GET && matches!(site, Some("same-origin" | "none"))
}

/// True if the browser says that a page of this address caused the request.
pub(crate) fn is_from_own_page(request: &Request) -> bool {
    said(request, "sec-fetch-site") == Some("same-origin")
}

/// True if the browser says that a page of another origin caused the request.
pub(crate) fn is_from_other_page(request: &Request) -> bool {
    matches!(said(request, "sec-fetch-site"), Some("cross-site" | "same-site"))
}

/// True if the browser shows the answer as a whole page, in no frame: the page that caused the request cannot read it.
pub(crate) fn is_navigation(request: &Request) -> bool {
    let (mode, place) = (said(request, "sec-fetch-mode"), said(request, "sec-fetch-dest"));
    request.method() == Method::GET && mode == Some("navigate") && place == Some("document")
}

/// True if a script or an element of a page asks, which can show no other page instead.
pub(crate) fn is_part_of_a_page(request: &Request) -> bool {
    said(request, "sec-fetch-mode").is_some_and(|mode| mode != "navigate")
}

/// True if the query asks for the kept parts of events, in any spelling.
pub(crate) fn wants_payload(uri: &Uri) -> bool {
    asks_for(uri, "payload")
}

/// True if the query asks for live events with their personal data, in any spelling.
pub(crate) fn wants_plain(uri: &Uri) -> bool {
    asks_for(uri, "plain")
}

/// True if the query sets a flag, in any spelling.
fn asks_for(uri: &Uri, flag: &str) -> bool {
    let decoded = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    uri.query().is_some_and(|query| {
        query.split('&').any(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            decoded(key) == flag && !matches!(&*decoded(value), "" | "0")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_recognised_in_every_spelling() {
        let wants = |query: &str| wants_payload(&format!("/dead_letters?{query}").parse().unwrap());
        for query in ["payload=1", "limit=1&payload=%31", "payload=0&pay%6Coad=1"] {
            assert!(wants(query), "{query}");
        }
        assert!(!wants("payload=0&limit=1"));
        assert!(wants_plain(&"/tap?pl%61in=1".parse().unwrap()));
    }
}
