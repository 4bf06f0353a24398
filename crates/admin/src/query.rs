//! The query of the operators' paths, as the router reads it and as commands write it.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use signalbox_journal::{DeadLetterFilter, DeadLetterId};
use signalbox_runtime::operate::Where;

use crate::asked::HEADER;
use crate::reply::Rejection;

const KEYS: &str = "the query may hold sink, reason, mapping, message_id, since, before, id, up_to, limit, cursor, order \
                    (oldest or newest), payload; for replay sink, from, to, dry_run, again";

/// A query; every key is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The dead letters; its component is also the sink of `/replay` and `/forget`.
    pub filter: DeadLetterFilter,
    /// The source of `/forget`.
    pub source: Option<String>,
    /// The most dead letters in the answer, or to act on.
    pub limit: Option<u64>,
    /// The dead letter after which a page or piece begins.
    pub cursor: Option<DeadLetterId>,
    /// True to list the oldest dead letters first.
    pub oldest_first: bool,
    /// True to show the kept parts of events.
    pub payload: bool,
    /// True to report what `/replay` would do.
    pub dry_run: bool,
    /// True if `/replay` sends even the records that the sink remembers to have sent.
    pub again: bool,
    /// The beginning of the part of the journal that `/replay` delivers.
    pub from: Option<Where>,
    /// Its end.
    pub to: Option<Where>,
}

impl Query {
    fn parse(query: &str) -> Result<Query, String> {
        let mut pairs = DecodedQuery::decode(query)?;
        let query = Query {
            filter: DeadLetterFilter {
                component: pairs.0.remove("sink"),
                reason: pairs.0.remove("reason"),
                mapping: pairs.0.remove("mapping"),
                message_id: pairs.0.remove("message_id"),
                since: pairs.number("since", "")?,
                before: pairs.number("before", "")?,
                id: pairs.number("id", "")?,
                up_to: pairs.number("up_to", "")?,
            },
            source: pairs.0.remove("source"),
            limit: pairs.number("limit", " from 1 on")?.map(NonZeroU64::get),
            cursor: pairs.number("cursor", "")?,
            oldest_first: match pairs.0.remove("order").as_deref() {
                None | Some("newest") => false,
                Some("oldest") => true,
                Some(_) => return Err(KEYS.to_owned()),
            },
            payload: pairs.0.remove("payload").is_some_and(|value| value == "1"),
            dry_run: pairs.0.remove("dry_run").is_some_and(|value| value == "1"),
            again: pairs.0.remove("again").is_some_and(|value| value == "1"),
            from: pairs.0.remove("from").map(|value| value.parse()).transpose()?,
            to: pairs.0.remove("to").map(|value| value.parse()).transpose()?,
        };
        pairs.0.is_empty().then_some(query).ok_or_else(|| KEYS.to_owned())
    }

    /// Returns the keys that are set, and their values.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let DeadLetterFilter {
            component,
            reason,
            mapping,
            message_id,
            since,
            before,
            id,
            up_to,
        } = &self.filter;
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let flag = |set: bool, value: &str| set.then(|| value.to_owned());
        let pairs = [
            ("sink", component.clone()),
            ("reason", reason.clone()),
            ("mapping", mapping.clone()),
            ("message_id", message_id.clone()),
            ("since", since.map(|at| at.to_string())),
            ("before", before.map(|at| at.to_string())),
            ("id", number(*id)),
            ("up_to", number(*up_to)),
            ("source", self.source.clone()),
            ("limit", number(self.limit)),
            ("cursor", number(self.cursor)),
            ("order", flag(self.oldest_first, "oldest")),
            ("payload", flag(self.payload, "1")),
            ("dry_run", flag(self.dry_run, "1")),
            ("again", flag(self.again, "1")),
            ("from", self.from.map(|place| place.to_string())),
            ("to", self.to.map(|place| place.to_string())),
        ];
        pairs
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

/// The pairs of a query; the last of a key counts.
pub(crate) struct DecodedQuery<'a>(pub(crate) BTreeMap<&'a str, String>);

impl<'a> DecodedQuery<'a> {
    pub(crate) fn decode(query: &'a str) -> Result<DecodedQuery<'a>, String> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value).decode_utf8();
            let value = value.map_err(|_| "the query is not UTF-8")?;
            Ok((key, value.into_owned()))
        });
        pairs
            .collect::<Result<_, &str>>()
            .map(DecodedQuery)
            .map_err(str::to_owned)
    }

    fn number<T: FromStr>(&mut self, key: &str, range: &str) -> Result<Option<T>, String> {
        let value = self.0.remove(key).map(|value| value.parse()).transpose();
        value.map_err(|_| format!("{key} must be a whole number{range}"))
    }
}

/// The query of a request that only reads.
pub(crate) struct ReadQuery(pub(crate) Query);

impl<S: Sync> FromRequestParts<S> for ReadQuery {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<ReadQuery, Rejection> {
        let query = Query::parse(parts.uri.query().unwrap_or(""));
        query
            .map(ReadQuery)
            .map_err(|problem| Rejection(StatusCode::BAD_REQUEST, problem))
    }
}

/// The query of a request that changes something, or costs much: it carries the header that no page in a browser can
/// send.
pub(crate) struct ActQuery(pub(crate) Query);

impl<S: Sync> FromRequestParts<S> for ActQuery {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<ActQuery, Rejection> {
        if !parts.headers.contains_key(HEADER) {
            let problem = "send the header X-Signalbox: 1 with requests that change something";
            return Err(Rejection(StatusCode::FORBIDDEN, problem.to_owned()));
        }
        let ReadQuery(query) = ReadQuery::from_request_parts(parts, state).await?;
        Ok(ActQuery(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read() {
        let query = Query::parse("sink=source%3Aweb&&reason=too_large&limit=5&from=17&dry_run=1").unwrap();
        let filter = DeadLetterFilter {
            component: Some("source:web".into()),
            reason: Some("too_large".into()),
            ..DeadLetterFilter::default()
        };
        let wanted = Query {
            filter,
            limit: Some(5),
            from: Some(Where::Position(17)),
            dry_run: true,
            ..Query::default()
        };
        assert_eq!(query, wanted);
        assert_eq!(Query::parse(""), Ok(Query::default()));
        for bad in [
            "limit=0",
            "limit=x",
            "colour=blue",
            "sink=%ff",
            "from=then",
            "id=-1",
            "order=random",
        ] {
            assert!(Query::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_read_as_they_were_written() {
        let query = Query {
            filter: DeadLetterFilter {
                component: Some("source:a b&c=d+é%".into()),
                reason: Some("too_large".into()),
                mapping: Some("m".into()),
                message_id: Some("id".into()),
                since: Some(-1),
                before: Some(2),
                id: Some(3),
                up_to: Some(4),
            },
            source: Some("web".into()),
            limit: Some(5),
            cursor: Some(0),
            oldest_first: true,
            payload: true,
            dry_run: true,
            again: true,
            from: Some(Where::Position(6)),
            to: Some(Where::Time(7_000)),
        };
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let pairs: Vec<String> = query
            .pairs()
            .iter()
            .map(|(key, value)| format!("{key}={}", encode(value)))
            .collect();
        assert_eq!(Query::parse(&pairs.join("&")), Ok(query));
    }
}
