//! Explanations of mappings, and requests with test events.

use std::sync::Arc;

use serde_json::json;
use signalbox_core::{Clause, FieldOutline, MappingOutline, Outcome, Prepared, Verdict};
use signalbox_http::Destination;

use crate::kit::{destination, event, reply};

fn field<'o>(outline: &'o MappingOutline, path: &str) -> Option<&'o FieldOutline> {
    outline.fields.iter().find(|field| field.field == path)
}

#[test]
fn mappings_are_described_with_their_sources() {
    let own = json!([{ "name": "VIP", "trigger": "type = \"track\" and properties.total > 500", "preset": "Custom",
        "fields": { "details": { "coupon": "VIP", "value": { "@path": "$.properties.worth" } } } }]);
    let outlines = destination(own).unwrap().mappings();
    let purchase = outlines
        .iter()
        .find(|outline| outline.name == "Purchase")
        .unwrap();
    assert_eq!(
        purchase.trigger.as_deref(),
        Some("type = \"track\" and event = \"Order Completed\"")
    );
    assert_eq!(purchase.event_name.as_deref(), Some("purchase"));
    let email = field(purchase, "user.email").unwrap();
    assert_eq!(email.sent_as, "user.email_sha256");
    assert_eq!(email.source, "properties.email, else context.traits.email");
    assert_eq!(email.paths, ["properties.email", "context.traits.email"]);
    let platform = field(purchase, "details.platform").unwrap();
    assert_eq!(
        (&*platform.source, &*platform.derived),
        ("", "the name in `context.os`")
    );
    assert_eq!(field(purchase, "user.phone"), None, "nothing maps it");

    let vip = outlines.iter().find(|outline| outline.name == "VIP").unwrap();
    assert_eq!(
        vip.trigger.as_deref(),
        Some("type = \"track\" and properties.total > 500")
    );
    assert_eq!(field(vip, "details.value").unwrap().source, "properties.worth");
    assert_eq!(field(vip, "details.coupon").unwrap().source, "a fixed value");
}

#[test]
fn each_mapping_tells_why_it_fires_or_does_not() {
    let own = json!([{ "name": "VIP", "trigger": "properties.total > 500", "preset": "Custom" }]);
    let acme = destination(own).unwrap();
    for (more, fires) in [
        (json!({}), &["Purchase"][..]),
        (json!({ "properties": { "total": 600 } }), &["Purchase", "VIP"]),
        (json!({ "type": "page" }), &["Page"]),
        (
            json!({ "type": "page", "event": "Product Added" }),
            &["Page", "Cart"],
        ),
        (json!({ "event": "Nothing Known" }), &[]),
        (json!({ "event": 7 }), &[]),
    ] {
        let event = event(&more);
        let firings = acme.firings(&event);
        let mut named: Vec<&str> = firings
            .iter()
            .filter(|firing| firing.fires)
            .map(|firing| &*firing.mapping)
            .collect();
        named.sort_unstable();
        let mut expected = fires.to_vec();
        expected.sort_unstable();
        assert_eq!(named, expected, "{more}");
        for firing in &firings {
            let clause = firing.trigger.as_ref().unwrap();
            assert_eq!(clause.holds(), firing.fires, "{more}: {firing:?}");
        }
        let made = match acme.encode(&event) {
            Prepared::Mapped(results) => results.len(),
            _ => 0,
        };
        assert_eq!(made, fires.len(), "{more}");
    }
    let firings = acme.firings(&event(&json!({})));
    let custom = firings.iter().find(|firing| firing.mapping == "Custom");
    assert!(custom.is_none_or(|custom| matches!(custom.trigger, Some(Clause::Never { .. }))));
}

#[test]
fn a_test_event_carries_its_code_and_teaches_the_sink_nothing() {
    let acme = destination(json!([])).unwrap();
    let Prepared::Mapped(mut results) = acme.encode(&event(&json!({}))) else {
        panic!()
    };
    let record = Arc::new(results.remove(0).unwrap());
    let mode = acme.test_mode().unwrap();
    assert!(mode.needs_code && !mode.counts);
    assert!(
        acme.test_request(&record, None).is_none(),
        "the settings have no code"
    );
    let request = acme.test_request(&record, Some("T\"1")).unwrap();
    let body = String::from_utf8(request.body.to_bytes().to_vec()).unwrap();
    let record_text = std::str::from_utf8(&record.bytes).unwrap();
    assert_eq!(
        body,
        format!(r#"{{"account":"7","test_code":"T\"1","events":[{record_text}]}}"#)
    );

    let refused = reply(200, r#"{"refused":[0],"unknown":"coupon"}"#);
    assert!(matches!(
        acme.interpret_test(&refused, &record),
        Verdict::Reencode(_)
    ));
    assert!(acme.notes().is_empty(), "a test strips no property");
    let accepted = acme.interpret_test(&reply(200, r#"{"refused":[]}"#), &record);
    assert_eq!(accepted, Verdict::Settled(vec![Outcome::delivered()]));
}
