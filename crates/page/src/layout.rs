//! The frame of every page: head, menu, main part, footer.

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use signalbox_admin::{Caller, Role};
use signalbox_runtime::telemetry::VERSION;

use crate::state::Page;
use crate::words;

/// What pages may load and do: nothing but the page's own files. A text of an event that reached a page unescaped still could
/// not run, load or send anything.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A whole page. Every HTML answer is one.
pub(crate) struct Document(Markup);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, "same-origin"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, self.0.into_string()).into_response()
    }
}

/// Puts the main part of a page into the frame. `view` is its name and query, which its data have too.
pub(crate) fn document(
    page: &Page,
    caller: &Caller,
    title: &str,
    view: Option<(&'static str, Option<&str>)>,
    main: &Markup,
) -> Document {
    let current = view.map(|(name, _)| name);
    let data = view.map(|(name, query)| match query {
        Some(query) => format!("/api/{name}?{query}"),
        None => format!("/api/{name}"),
    });
    Document(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Signalbox" }
                link rel="icon" href="/ui/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/ui/assets/page.css";
                script type="module" src="/ui/assets/page.js" {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/ui/overview" { img src="/ui/assets/icon.svg" alt="" width="28" height="28"; "Signalbox" }
                    nav aria-label="Views" {
                        ul {
                            @for link in page.menu.iter() {
                                li {
                                    a href={ "/ui/" (link.name) } aria-current=[(current == Some(link.name)).then_some("page")] {
                                        (link.title)
                                    }
                                }
                            }
                        }
                    }
                    p.caller { (caller.name) " · " (role(caller.role)) }
                }
                p #notice role="status" aria-live="polite" {}
                main #main tabindex="-1" { (main) }
                footer {
                    p {
                        "Signalbox " (VERSION) ", read at " (words::time(words::now()))
                        @if let Some(data) = &data { " · " a href=(data) { "this page as JSON" } }
                        " · " a href="/api/openapi.json" { "API" }
                    }
                    p { label { input #live type="checkbox" checked; " Update by itself" } }
                }
            }
        }
    })
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Read => "read only",
    }
}
