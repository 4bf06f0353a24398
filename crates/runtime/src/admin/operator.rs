//! The paths by which operators act: dead letters, replay, reload.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use signalbox_journal::{DeadLetter, DeadLetterFilter, DeadLetterId, Taken};

use super::AdminState;
use super::guard::HEADER;
use super::routes::{json as as_json, text};
use crate::operate::{ReplayRange, Where};

/// How many dead letters are listed unless the request says.
const LIMIT: usize = 100;
/// The most that a request may ask for.
const MOST: usize = 100_000;
/// The query of these paths; every key is optional.
#[derive(Debug, Default, PartialEq, Eq)]
struct Choice {
    filter: DeadLetterFilter,
    limit: Option<usize>,
    payload: bool,
    dry_run: bool,
    from: Option<Where>,
    to: Option<Where>,
}

impl Choice {
    fn parse(query: &str) -> Result<Choice, String> {
        let mut choice = Choice::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value)
                .decode_utf8()
                .map_err(|_| "the query is not UTF-8")?;
            let whole = |name: &str| format!("{name} must be a whole number");
            match key {
                "sink" => choice.filter.component = Some(value.into_owned()),
                "reason" => choice.filter.reason = Some(value.into_owned()),
                "before" => choice.filter.before = Some(value.parse().map_err(|_| whole("before"))?),
                "id" => choice.filter.id = Some(value.parse().map_err(|_| whole("id"))?),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    choice.limit = Some(limit.ok_or(format!("limit must be a number from 1 to {MOST}"))?);
                }
                "payload" => choice.payload = value == "1",
                "dry_run" => choice.dry_run = value == "1",
                "from" => choice.from = Some(value.parse()?),
                "to" => choice.to = Some(value.parse()?),
                _ => {
                    return Err("the query may hold sink, reason, before, id, limit, payload; for replay sink, from, \
                                to, dry_run"
                        .to_owned());
                }
            }
        }
        Ok(choice)
    }
}

/// Why a request is not done.
type No = (StatusCode, String);

fn chosen(request: &Request) -> Result<Choice, No> {
    let choice = Choice::parse(request.uri().query().unwrap_or(""));
    choice.map_err(|error| (StatusCode::BAD_REQUEST, error))
}

/// A choice for a request that changes something.
fn acting(request: &Request) -> Result<Choice, No> {
    if !request.headers().contains_key(HEADER) {
        let told = "send the header X-Signalbox: 1 with requests that change something";
        return Err((StatusCode::FORBIDDEN, told.to_owned()));
    }
    chosen(request)
}

fn no((status, told): No) -> Response {
    text(status, &told)
}

pub(super) async fn dead_letters(State(state): State<AdminState>, request: Request) -> Response {
    let choice = match chosen(&request) {
        Ok(choice) => choice,
        Err(problem) => return no(problem),
    };
    let limit = choice.limit.unwrap_or(LIMIT);
    match state.source.dead_letters(&choice.filter, limit).await {
        Ok(list) => {
            let list: Vec<Value> = list
                .iter()
                .map(|(id, letter)| describe(*id, letter, choice.payload))
                .collect();
            as_json(&json!({ "kept": state.source.dead_letter_counts(), "dead_letters": list }))
        }
        Err(error) => failed(&error),
    }
}

/// A dead letter as `signalbox deadletters --json` prints it too.
#[must_use]
pub fn describe(id: DeadLetterId, letter: &DeadLetter, payload: bool) -> Value {
    let time = |millis: i64| {
        jiff::Timestamp::from_millisecond(millis)
            .map(|at| at.to_string())
            .unwrap_or_default()
    };
    let mut value = json!({
        "id": id,
        "sink": letter.component,
        "message_id": letter.message_id,
        "source": letter.source,
        "mapping": letter.mapping,
        "reason": letter.reason,
        "message": letter.message,
        "attempts": letter.attempts,
        "first_at": time(letter.first_at),
        "last_at": time(letter.last_at),
        "position": letter.position,
    });
    if payload && let Some(object) = value.as_object_mut() {
        let event = letter
            .payload
            .as_deref()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        object.insert("event".to_owned(), event.unwrap_or(Value::Null));
    }
    value
}

pub(super) async fn retry(State(state): State<AdminState>, request: Request) -> Response {
    match acting(&request) {
        Ok(choice) => taken(state.source.retry(choice.filter).await),
        Err(problem) => no(problem),
    }
}

pub(super) async fn discard(State(state): State<AdminState>, request: Request) -> Response {
    match acting(&request) {
        Ok(choice) => taken(state.source.discard(choice.filter).await),
        Err(problem) => no(problem),
    }
}

fn taken(result: Result<Taken, String>) -> Response {
    match result {
        Ok(Taken {
            removed,
            from_journal,
            from_letter,
            without_payload,
        }) => as_json(&json!({
            "removed": removed,
            "from_journal": from_journal,
            "from_letter": from_letter,
            "without_payload": without_payload,
        })),
        Err(error) => failed(&error),
    }
}

pub(super) async fn replay(State(state): State<AdminState>, request: Request) -> Response {
    let choice = match acting(&request) {
        Ok(choice) => choice,
        Err(problem) => return no(problem),
    };
    let (Some(sink), Some(from)) = (choice.filter.component, choice.from) else {
        return text(StatusCode::BAD_REQUEST, "replay needs sink and from");
    };
    match state
        .source
        .replay(sink, ReplayRange { from, to: choice.to }, choice.dry_run)
        .await
    {
        Ok(plan) => as_json(&plan),
        Err(error) => failed(&error),
    }
}

pub(super) async fn reload(State(state): State<AdminState>, request: Request) -> Response {
    if let Err(problem) = acting(&request) {
        return no(problem);
    }
    match state.source.reload().await {
        Ok(told) => text(StatusCode::OK, &told),
        Err(error) => failed(&error),
    }
}

fn failed(error: &str) -> Response {
    text(StatusCode::CONFLICT, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let choice = Choice::parse("sink=source%3Aweb&&reason=too_large&limit=5&from=17&dry_run=1").unwrap();
        let filter = DeadLetterFilter {
            component: Some("source:web".into()),
            reason: Some("too_large".into()),
            ..DeadLetterFilter::default()
        };
        let wanted = Choice {
            filter,
            limit: Some(5),
            from: Some(Where::Position(17)),
            dry_run: true,
            ..Choice::default()
        };
        assert_eq!(choice, wanted);
        assert_eq!(Choice::parse(""), Ok(Choice::default()));
        for bad in [
            "limit=0",
            "limit=100001",
            "limit=x",
            "colour=blue",
            "sink=%ff",
            "from=then",
            "id=-1",
        ] {
            assert!(Choice::parse(bad).is_err(), "{bad}");
        }
    }
}
