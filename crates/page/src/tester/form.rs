//! The forms of the tester: an event as text, or a few fields of which one is made.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use signalbox_admin::{Caller, done};
use signalbox_core::TestReply;

use super::data::Tester;
use super::html::{self, Shown};
use super::read::{self, Wanted};
use super::send::Send;
use crate::fields;
use crate::layout::document;
use crate::problem::Problem;
use crate::state::Page;
use crate::view::{Act, View};

/// The fields of both forms. Empty ones count as absent.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fields {
    event: String,
    message_id: String,
    source: String,
    sink: String,
    event_name: String,
    email: String,
    value: String,
    currency: String,
    order_id: String,
    product_id: String,
    mapping: String,
    code: String,
    counts: String,
    to: String,
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl Fields {
    /// Returns the text of the event: the one that is given, or one made of the fields.
    fn text(&self) -> Result<Option<String>, Problem> {
        if let Some(text) = some(&self.event) {
            return Ok(Some(text));
        }
        let Some(name) = some(&self.event_name) else {
            return Ok(None);
        };
        let mut properties = Map::new();
        for (key, text) in [("currency", &self.currency), ("order_id", &self.order_id)] {
            properties.extend(some(text).map(|text| (key.to_owned(), Value::from(text))));
        }
        if let Some(value) = some(&self.value) {
            let number: serde_json::Number = value
                .parse()
                .map_err(|_| Problem::bad_request("The value must be a number such as 49.90."))?;
            properties.insert("value".to_owned(), number.into());
        }
        if let Some(id) = some(&self.product_id) {
            properties.insert(
                "products".to_owned(),
                json!([{ "product_id": id, "quantity": 1 }]),
            );
        }
        let mut event = json!({
            "type": "track", "event": name, "anonymousId": "signalbox-tester", "properties": properties,
        });
        if let Some(email) = some(&self.email) {
            event["context"] = json!({ "traits": { "email": email } });
        }
        Ok(Some(event.to_string()))
    }

    fn wanted(&self) -> Result<Wanted, Problem> {
        let text = self.text()?;
        Ok(Wanted {
            // A text that the reader has changed is the event, not the stored one that it was made of.
            message_id: some(&self.message_id).filter(|_| text.is_none()),
            text,
            source: some(&self.source),
            sink: some(&self.sink),
        })
    }
}

/// Shows the way of an event.
pub(crate) async fn show_form(
    State(page): State<Page>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    answer(&page, &caller, request, false).await
}

/// Sends a test event, and shows the answer above the way of the event.
pub(crate) async fn send_form(
    State(page): State<Page>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    answer(&page, &caller, request, true).await
}

async fn answer(page: &Page, caller: &Caller, request: Request, send: bool) -> Response {
    let result = async {
        let fields: Fields = fields::form(request, "the fields of the tester").await?;
        let wanted = fields.wanted()?;
        if let Some(problem) = wanted.text.as_deref().and_then(read::unreadable) {
            let tester = read::tester(page, caller, Wanted::default()).await?;
            let shown = Shown {
                message_id: None,
                sink: wanted.sink.as_deref(),
                source: wanted.source.as_deref(),
                text: wanted.text.as_deref(),
                problem: Some(&problem),
                reply: None,
            };
            return Ok((html::tester(&tester, &shown, caller), None));
        }
        let reply = match send {
            true => Some((fields.to.clone(), sent(page, caller, &fields, &wanted).await?)),
            false => None,
        };
        let tester = read::tester(page, caller, wanted.clone()).await?;
        let shown = Shown {
            message_id: wanted.message_id.as_deref(),
            sink: wanted.sink.as_deref(),
            source: wanted.source.as_deref(),
            text: tester.event.as_deref(),
            problem: None,
            reply: reply.as_ref().map(|(sink, reply)| (sink.as_str(), reply)),
        };
        let main = html::tester(&tester, &shown, caller);
        Ok::<_, Problem>((main, reply.map(|(sink, _)| page.admin.deed(Some(&sink)))))
    };
    match result.await {
        Ok((main, deed)) => {
            let shown = document(page, caller, Tester::TITLE, None, &main).into_response();
            match deed {
                Some(deed) => done(deed, shown),
                None => shown,
            }
        }
        Err(problem) => problem.into_response(),
    }
}

async fn sent(page: &Page, caller: &Caller, fields: &Fields, wanted: &Wanted) -> Result<TestReply, Problem> {
    let not_json = || Problem::bad_request("The event must be one call as a JSON object.");
    let event = wanted.text.clone().map(RawValue::from_string);
    let send = Send {
        event: event.transpose().map_err(|_| not_json())?,
        message_id: wanted.message_id.clone(),
        source: wanted.source.clone(),
        sink: fields.to.clone(),
        mapping: some(&fields.mapping),
        code: some(&fields.code),
        counts: !fields.counts.is_empty(),
    };
    Ok(send.act(page, caller).await?.reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &str) -> Fields {
        let pairs: Vec<(String, String)> = pairs
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let object: Map<String, Value> = pairs
            .into_iter()
            .map(|(key, value)| (key, value.into()))
            .collect();
        serde_json::from_value(object.into()).unwrap()
    }

    #[test]
    fn an_event_is_made_of_a_few_fields() {
        let small = "event_name=Order Completed&email=ivy@example.com&value=49.90&currency=EUR&order_id=A-1&product_id=S-1";
        let text = fields(small).text().unwrap().unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["event"], "Order Completed");
        assert_eq!(event["context"]["traits"]["email"], "ivy@example.com");
        assert_eq!(event["properties"]["value"], 49.90);
        assert_eq!(event["properties"]["products"][0]["product_id"], "S-1");
        assert!(
            fields("event_name=A")
                .text()
                .unwrap()
                .unwrap()
                .contains("\"properties\":{}")
        );
        assert_eq!(fields("value=3").text().unwrap(), None);
        assert!(fields("event_name=A&value=many").text().is_err());
        assert_eq!(
            fields("event= {} &event_name=A").text().unwrap().as_deref(),
            Some("{}")
        );
    }

    #[test]
    fn a_changed_text_is_the_event() {
        let both = fields("event={}&message_id=m-1").wanted().unwrap();
        assert_eq!((both.text.as_deref(), both.message_id), (Some("{}"), None));
        let stored = fields("event=&message_id=m-1&sink=pin").wanted().unwrap();
        assert_eq!(
            (stored.message_id.as_deref(), stored.sink.as_deref()),
            (Some("m-1"), Some("pin"))
        );
    }
}
