//! The frame of every page: head, menu, main part, footer.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use signalbox_admin::{Caller, Role};
use signalbox_runtime::telemetry::VERSION;

use crate::state::Page;
use crate::words;

/// A whole page. Every HTML answer is one; the guard of the admin address adds the headers that protect it.
pub(crate) struct Document(Markup);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        // A text of an event could turn the text around it with these.
        let html = self.0.into_string().replace(is_direction, "\u{fffd}");
        Html(html).into_response()
    }
}

/// Returns true for characters that change the direction of the text after them.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
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
                (common_head(title))
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
                    @if caller.can_sign_out() {
                        form.out method="post" action="/ui/sign-out" { button.plain { "Sign out" } }
                    }
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

/// The part of every page's head.
pub(crate) fn common_head(title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        title { (title) " · Signalbox" }
        link rel="icon" href="/ui/assets/icon.svg" type="image/svg+xml";
        link rel="stylesheet" href="/ui/assets/page.css";
    }
}

/// Has the browser load the page again at once.
pub(crate) fn again() -> Markup {
    html! { meta http-equiv="refresh" content="0"; }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Read => "read only",
    }
}
