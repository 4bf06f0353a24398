//! Events in the address of an image, for e-mails and pages without scripts.

use axum::extract::Request;
use axum::response::Response;
use base64::Engine;
use http::Method;
use percent_encoding::percent_decode_str;
use signalbox_core::json::Lenient;
use signalbox_core::{Document, Path, Reason, Scalar};
use signalbox_segment::ingest::{Endpoint, EventType, Origin, decode, read_document, split};

use crate::auth::{BASE64, header_key};
use crate::ingest::{Ingest, NotTaken};
use crate::reply;

/// The most parameters; no real pixel has as many.
const MAX_PARAMETERS: usize = 500;

/// Names deeper than this are left out.
const MAX_STEPS: usize = 32;

impl Ingest {
    /// Accepts an event, and always answers with the image: no reader would see an error.
    pub(crate) async fn pixel(&self, kind: EventType, request: Request) -> Response {
        // A HEAD request is no event.
        if request.method() == Method::GET
            && let Err(not_taken) = self.take_pixel(kind, request).await
        {
            // The refusal is counted; its answer would not be seen.
            drop(self.refuse(not_taken));
        }
        reply::pixel()
    }

    async fn take_pixel(&self, kind: EventType, request: Request) -> Result<(), NotTaken> {
        let (head, _) = request.into_parts();
        let event = {
            let (document, key) = parse(head.uri.query().unwrap_or_default(), kind)?;
            let key = header_key(&head.headers).or(key);
            let key = self.admit(key.as_deref(), &head, 1)?;
            let visitor = self.visitor(&head);
            read_document(document, kind, &self.reception(&head, Origin::Device)).map(|mut event| {
                visitor.complete(&mut event);
                key.mark(event)
            })
        };
        match event {
            // The component that refuses an event counts it.
            Ok(event) => drop(self.outlet.send(vec![event]).await),
            Err(rejected) => drop(self.outlet.reject(vec![rejected]).await),
        }
        Ok(())
    }
}

/// Reads the event and the write key of a query: base64 JSON in `data`, or plain parameters.
fn parse(query: &str, kind: EventType) -> Result<(Lenient, Option<String>), Reason> {
    let mut document = Document::parse("{}").map_err(|_| malformed())?;
    let mut key = None;
    let mut data = None;
    for pair in query.split('&').take(MAX_PARAMETERS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (text(name)?, text(value)?);
        match name.as_str() {
            "" => {}
            "data" => data = Some(value),
            "writeKey" | "write_key" => key = Some(value),
            name => {
                let path = Path::new(name);
                if path.len() <= MAX_STEPS {
                    document.set(&path, Scalar::String(&value));
                }
            }
        }
    }
    let Some(data) = data else {
        return Ok((document.into(), key));
    };
    let json = unbase64(&data).ok_or_else(malformed)?;
    let json = decode(&json)?;
    let envelope = split(json, Endpoint::Single(kind))?;
    let own = envelope.write_key().map(|key| key.into_owned());
    Ok((envelope.into_single().ok_or_else(malformed)?, own.or(key)))
}

fn malformed() -> Reason {
    Reason::new("malformed_pixel", "`data` is not the base64 of a JSON object")
}

/// A part of a query, decoded; `+` is a blank.
fn text(encoded: &str) -> Result<String, Reason> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| Reason::new("not_utf8", "the query is not UTF-8"))
}

/// Decodes the standard and the URL-safe alphabet, with or without padding; a `+` may have become a blank.
fn unbase64(data: &str) -> Option<Vec<u8>> {
    let standard: String = data
        .trim_end_matches(['\r', '\n'])
        .chars()
        .map(|c| match c {
            ' ' | '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    BASE64.decode(standard).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn data_in_every_alphabet() {
        // Chosen for having both special characters.
        let json = r#"{"writeKey":"k","userId":"u","event":"ÿ>?ÿ"}"#;
        let standard = base64::engine::general_purpose::STANDARD.encode(json);
        let safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        assert_ne!(standard.trim_end_matches('='), safe);
        for data in [standard.clone(), standard.replace('+', "%2B"), safe] {
            let (document, key) = parse(&format!("data={data}&x=1"), EventType::Track).unwrap();
            assert_eq!(document.document.to_json(), json);
            assert_eq!(key.as_deref(), Some("k"));
        }
    }

    #[test]
    fn plain_parameters_nest_by_dots() {
        let (document, key) = parse(
            "writeKey=k&userId=u&event=Email+Opened&properties.subject=a%26b&properties.n.m=1&&flag",
            EventType::Track,
        )
        .unwrap();
        assert_eq!(key.as_deref(), Some("k"));
        assert_eq!(
            document.document.to_json(),
            r#"{"userId":"u","event":"Email Opened","properties":{"subject":"a&b","n":{"m":"1"}},"flag":""}"#
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for query in ["data=%%%", "data=e30", "data=W10", "x=%ff", "data=aGk="] {
            let parsed = parse(query, EventType::Track);
            assert_eq!(parsed.is_ok(), query == "data=e30", "{query}");
        }
        let deep = vec!["a"; 10_000].join(".");
        assert_eq!(
            parse(&format!("{deep}=1"), EventType::Track)
                .unwrap()
                .0
                .document
                .to_json(),
            "{}"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_queries_never_panic(query in "(data=|[a-z.$]{0,9}=)?[ -~é]{0,60}(&[a-z.]{1,9}=[%+0-9a-f]{0,9}){0,4}") {
            if let Ok((document, _)) = parse(&query, EventType::Page) {
                prop_assert!(Document::parse(&document.document.to_json()).is_ok());
            }
        }
    }
}
