//! Fields of queries and forms. Parsers of forms replace bytes that are not UTF-8, so a search would look for another value:
//! such fields are refused instead, as are values longer than any id.

use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest as _, Request};
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Most bytes of a value.
const LONGEST: usize = 1_024;
/// Fields without this bound: the text of an event, and the hashes of a person, of which each key has some.
const LONG: [&[u8]; 2] = [b"event", b"person"];

/// Checks the values of a query or form as it was sent. Its names are checked where it is parsed.
///
/// # Errors
/// 400, for a value that is not UTF-8 or longer than 1,024 bytes.
pub(crate) fn check(encoded: &[u8]) -> Result<(), Problem> {
    for pair in encoded.split(|byte| *byte == b'&') {
        let end = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = pair.split_at(end.unwrap_or(pair.len()));
        let is_text = |part: &[u8]| percent_decode(part).decode_utf8().is_ok();
        if !is_text(name) || !is_text(value) {
            return Err(Problem::bad_request(
                "A value is not UTF-8. Write characters beyond ASCII as UTF-8, percent-encoded.",
            ));
        }
        // The equals sign is a byte of the value here.
        if !LONG.contains(&name) && percent_decode(value).count() > LONGEST + 1 {
            return Err(Problem::bad_request(format!(
                "A value is longer than {LONGEST} bytes, as no id or name is that can be searched for."
            )));
        }
    }
    Ok(())
}

/// Reads the form in a request's body. `expected` tells its fields, for the error: the parser's own could quote a value.
///
/// # Errors
/// 413 for a body that is too large, 400 for a form that is not understood.
pub(crate) async fn form<T: DeserializeOwned>(request: Request, expected: &str) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|rejection| Problem::unread(&rejection))?;
    check(&body)?;
    let form = Form::from_request(Request::from_parts(parts, Body::from(body)), &()).await;
    form.map(|Form(fields)| fields)
        .map_err(|_| Problem::bad_request(format!("The body must be a form with {expected}.")))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::http::header::CONTENT_TYPE;

    use super::*;

    #[test]
    fn values_are_short_texts() {
        let long = |name: &str, bytes: usize| format!("sink=a&{name}={}", "%C3%A4".repeat(bytes / 2));
        for (query, good) in [
            (String::new(), true),
            ("&&a&=b&order_id=A%2F1+%C3%A4".to_owned(), true),
            (long("order_id", 1_024), true),
            (long("order_id", 1_026), false),
            (long("event", 4_000), true),
            (long("person", 4_000), true),
            ("order_id=%ff".to_owned(), false),
            ("order_id=a%C3".to_owned(), false),
            ("%ff=a".to_owned(), false),
            ("event=%C3%28".to_owned(), false),
        ] {
            let checked = check(query.as_bytes());
            assert_eq!(checked.is_ok(), good, "{query}");
            let quoted = checked.is_err_and(|problem| problem.message.contains('%'));
            assert!(!quoted, "{query}");
        }
    }

    #[tokio::test]
    async fn a_form_that_is_not_understood_is_told_without_its_values() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            number: u8,
        }
        let read = async |body: &'static str| {
            let request = Request::post("/").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            form::<Fields>(request.body(Body::from(body)).unwrap(), "number").await
        };
        assert_eq!(read("number=7").await.unwrap().number, 7);
        for body in ["number=ivy", "ivy=7", "number=%ff"] {
            let problem = read(body).await.unwrap_err();
            assert_eq!(problem.status, StatusCode::BAD_REQUEST);
            assert!(!problem.message.contains("ivy"), "{}", problem.message);
        }
    }
}
