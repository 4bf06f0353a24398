//! The search for a person. The value comes in the body of a POST, since addresses are logged and remembered; the answer
//! redirects to an address with the keyed hash of the value.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use signalbox_runtime::history::WantedId;

use crate::problem::Problem;
use crate::state::Page;
use crate::words::link;

/// The form of the search.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    kind: Kind,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Email,
    Phone,
    UserId,
}

/// Answers a search with the address of its result.
pub(crate) async fn search(State(page): State<Page>, form: Result<Form<Person>, FormRejection>) -> Response {
    match find(&page, form) {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(problem) => (problem.status, problem.message).into_response(),
    }
}

fn find(page: &Page, form: Result<Form<Person>, FormRejection>) -> Result<String, Problem> {
    // The rejection's own text could quote the value.
    let Ok(Form(Person { kind, value })) = form else {
        return Err(Problem::bad_request(
            "The body must be a form with kind (email, phone or user_id) and value.",
        ));
    };
    let id = match kind {
        Kind::Email => WantedId::Email(value),
        Kind::Phone => WantedId::Phone(value),
        Kind::UserId => WantedId::UserId(value),
    };
    let history = page.admin.history().ok_or_else(Problem::no_history)?;
    let hashes = id.hashes(history.keys()).map_err(Problem::bad_request)?;
    let hashes: Vec<String> = hashes.into_iter().map(|hash| hash.shown()).collect();
    Ok(link("events", &[("person", &hashes.join(","))]))
}
