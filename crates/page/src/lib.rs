//! The page of the admin address: views of a running router, each as HTML at `/ui/NAME` and as the same data in JSON at
//! `/api/NAME`.
//!
//! A view is a type whose values are read from the router. Its JSON and its HTML are made of the same value, so
//! the page shows nothing that the API does not have. `/api/openapi.json` describes all of them.
//!
//! The guard of the admin address stands before all of it: it recognises the caller, refuses requests that pages of other
//! origins send, and lets the role `operator` alone act.

mod assets;
mod audit;
mod chart;
mod event;
mod events;
mod failures;
mod fields;
mod layout;
mod mount;
mod openapi;
mod overview;
mod pipeline;
mod problem;
mod quality;
mod rates;
mod rows;
mod sign_in;
mod state;
mod tester;
mod view;
mod words;

use axum::response::Redirect;
use axum::routing::{get, post};
use signalbox_admin::{AdminState, PageRoutes};

use crate::mount::Mount;

/// The first view.
const HOME: &str = "/ui/overview";

/// Builds the routes of the page and of its API.
#[must_use]
pub fn routes(admin: AdminState) -> PageRoutes {
    Mount::default()
        .view::<overview::Overview>()
        .view::<events::Events>()
        .reading_post("/ui/events/search", post(events::search))
        .view::<event::EventLives>()
        .act::<event::SendAgain>()
        .view::<failures::Failures>()
        .act::<failures::RetryLetters>()
        .act::<failures::DiscardLetters>()
        .view::<quality::Quality>()
        .view::<tester::Tester>()
        .act::<tester::Try>()
        .act::<tester::Send>()
        .reading_post("/ui/tester", post(tester::show_form))
        .acting_post("/ui/tester/send", tester::SEND_WORD, post(tester::send_form))
        .view::<pipeline::Pipeline>()
        .view::<audit::AuditLog>()
        .route("/", get(|| async { Redirect::to(HOME) }))
        .route("/ui", get(|| async { Redirect::to(HOME) }))
        .route("/ui/", get(|| async { Redirect::to(HOME) }))
        .finish(admin)
}
