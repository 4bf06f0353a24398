//! Requests that carry a test event.

use serde_json::{Map, Value as Json};
use signalbox_core::TestMode;
use signalbox_http::{Body, Bytes, Request, join};

use crate::frames::{CLOSE, opening};
use crate::spec::Testing;
use crate::vendor::Vendor;

/// Tells how a vendor takes test events.
pub(crate) fn mode<V: Vendor>(vendor: &V) -> Option<TestMode> {
    Some(match vendor.testing()? {
        Testing::Parameter(..) => TestMode {
            needs_code: false,
            counts: false,
        },
        Testing::Code { member, counts } => TestMode {
            needs_code: !has_member(vendor.frames().opening(0), member),
            counts,
        },
    })
}

/// Returns the request that sends a record as a test event; `None` without a test mode, or without the code that it needs.
pub(crate) fn request<V: Vendor>(
    vendor: &V,
    (batch_key, record): (u16, &Bytes),
    code: Option<&str>,
) -> Option<Request> {
    let open = vendor.frames().opening(batch_key);
    let body = |open: &str| -> Body { join(open, std::iter::once(record), ",", CLOSE) };
    match vendor.testing()? {
        Testing::Parameter(name, value) => {
            let mut request = vendor.post(body(open));
            let has = request.url.query_pairs().any(|(key, _)| key == name);
            if !has {
                request.url.query_pairs_mut().append_pair(name, value);
            }
            Some(request)
        }
        Testing::Code { member, .. } => match code {
            Some(code) => Some(vendor.post(body(&with_member(open, member, code)?))),
            None => has_member(open, member).then(|| vendor.post(body(open))),
        },
    }
}

/// Reads the members of a frame's opening: texts, and at last the list of records.
fn members(open: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(&format!("{open}{CLOSE}")).ok()
}

fn has_member(open: &str, member: &str) -> bool {
    members(open).is_some_and(|members| members.contains_key(member))
}

/// Returns a frame's opening with this member, in the place of another of its name.
fn with_member(open: &str, member: &str, value: &str) -> Option<String> {
    let mut root = members(open)?;
    root.insert(member.to_owned(), value.into());
    // The list of records must come last.
    let lists: Vec<String> = root
        .iter()
        .filter(|(_, value)| value.is_array())
        .map(|(key, _)| key.clone())
        .collect();
    let [list] = &lists[..] else { return None };
    root.shift_remove(list);
    let texts: Vec<(&str, Option<&str>)> = root
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    Some(opening(&texts, list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_in_the_frame_once() {
        let open = r#"{"event_source":"web","data":["#;
        assert!(!has_member(open, "code"));
        let with = with_member(open, "code", "TEST\"1").unwrap();
        assert_eq!(with, r#"{"event_source":"web","code":"TEST\"1","data":["#);
        assert!(has_member(&with, "code"));
        assert_eq!(
            with_member(&with, "code", "T2").as_deref(),
            Some(r#"{"event_source":"web","code":"T2","data":["#)
        );
        assert_eq!(with_member("[", "code", "T"), None);
    }
}
