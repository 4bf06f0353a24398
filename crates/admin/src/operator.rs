//! The parameters of operators' queries, and the paths of replay and reload.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use signalbox_journal::{DeadLetterFilter, DeadLetterId};
use signalbox_runtime::forget::Forget;
use signalbox_runtime::operate::{ReplayRange, Where};

use crate::AdminState;
use crate::guard::HEADER;
use crate::reply::{failed, json as as_json, text};

/// The query of these paths; every key is optional.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) filter: DeadLetterFilter,
    pub(crate) limit: Option<u64>,
    pub(crate) cursor: Option<DeadLetterId>,
    pub(crate) oldest_first: bool,
    pub(crate) payload: bool,
    pub(crate) source: Option<String>,
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
                "source" => choice.source = Some(value.into_owned()),
                "reason" => choice.filter.reason = Some(value.into_owned()),
                "mapping" => choice.filter.mapping = Some(value.into_owned()),
                "message_id" => choice.filter.message_id = Some(value.into_owned()),
                "since" => choice.filter.since = Some(value.parse().map_err(|_| whole("since"))?),
                "up_to" => choice.filter.up_to = Some(value.parse().map_err(|_| whole("up_to"))?),
                "cursor" => choice.cursor = Some(value.parse().map_err(|_| whole("cursor"))?),
                "order" if value == "oldest" => choice.oldest_first = true,
                "order" if value == "newest" => choice.oldest_first = false,
                "before" => choice.filter.before = Some(value.parse().map_err(|_| whole("before"))?),
                "id" => choice.filter.id = Some(value.parse().map_err(|_| whole("id"))?),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| *limit > 0);
                    choice.limit = Some(limit.ok_or("limit must be a whole number from 1 on")?);
                }
                "payload" => choice.payload = value == "1",
                "dry_run" => choice.dry_run = value == "1",
                "from" => choice.from = Some(value.parse()?),
                "to" => choice.to = Some(value.parse()?),
                _ => {
                    return Err("the query may hold sink, reason, mapping, message_id, since, before, id, up_to, limit, \
                                cursor, order (oldest or newest), payload; for replay sink, from, to, dry_run"
                        .to_owned());
                }
            }
        }
        Ok(choice)
    }
}

/// Why a request is not done.
pub(crate) type No = (StatusCode, String);

pub(crate) fn chosen(request: &Request) -> Result<Choice, No> {
    let choice = Choice::parse(request.uri().query().unwrap_or(""));
    choice.map_err(|error| (StatusCode::BAD_REQUEST, error))
}

/// A choice for a request that changes something.
pub(crate) fn acting(request: &Request) -> Result<Choice, No> {
    if !request.headers().contains_key(HEADER) {
        let told = "send the header X-Signalbox: 1 with requests that change something";
        return Err((StatusCode::FORBIDDEN, told.to_owned()));
    }
    chosen(request)
}

pub(crate) fn no((status, told): No) -> Response {
    text(status, &told)
}

pub(crate) async fn replay(State(state): State<AdminState>, request: Request) -> Response {
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

pub(crate) async fn forget(State(state): State<AdminState>, request: Request) -> Response {
    let choice = match acting(&request) {
        Ok(choice) => choice,
        Err(problem) => return no(problem),
    };
    let what = Forget {
        source: choice.source,
        sink: choice.filter.component,
    };
    match state.source.forget(what).await {
        Ok(forgotten) => as_json(&forgotten),
        Err(error) => failed(&error),
    }
}

/// Answers with every sink that the journal knows. Counting what sinks are owed reads frames.
pub(crate) async fn sinks(State(state): State<AdminState>, request: Request) -> Response {
    if let Err(problem) = acting(&request) {
        return no(problem);
    }
    match state.source.sinks().await {
        Ok(sinks) => as_json(&sinks),
        Err(error) => failed(&error),
    }
}

pub(crate) async fn reload(State(state): State<AdminState>, request: Request) -> Response {
    if let Err(problem) = acting(&request) {
        return no(problem);
    }
    match state.source.reload().await {
        Ok(told) => text(StatusCode::OK, &told),
        Err(error) => failed(&error),
    }
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
