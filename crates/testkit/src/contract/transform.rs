//! The contract of transforms: an event passes, is filtered or is rejected, each with a reason that shows nothing of a
//! person; the same event has the same end each time, regardless of earlier events; a transform that claims to be
//! idempotent is.

use signalbox_core::{Flow, Reason, Side, Transform};

use super::{PERSONAL, SECRET};
use crate::event;

/// The properties that a transform claims. Default: all.
#[derive(Debug, Clone, Copy)]
pub struct Claims {
    /// The same event gets the same result each time, from every instance with the same settings.
    pub pure: bool,
    /// An event that passed once passes again, unchanged.
    pub idempotent: bool,
}

impl Default for Claims {
    fn default() -> Claims {
        Claims {
            pure: true,
            idempotent: true,
        }
    }
}

/// Events of unusual shapes: members that are missing, empty, or of another kind than Segment's spec says.
pub const ODD: [&str; 8] = [
    "{}",
    r#"{"type":"page"}"#,
    r#"{"type":7,"messageId":null,"userId":["u"],"context":"none","properties":3,"traits":false}"#,
    r#"{"type":"track","event":"E","properties":[],"context":{"traits":[],"consent":1}}"#,
    r#"{"type":"identify","traits":{"email":"","phone":{},"address":"ZqStreet 7"}}"#,
    r#"{"type":"track","event":"é\u0000","properties":{"a":{"b":[{"c":1e400}]},"":"","a":2}}"#,
    r#"{"type":"track","event":"Order Completed","properties":{"total":"12,50","products":[null,{}]}}"#,
    r#"{"context":{"consent":{"categoryPreferences":{"ads":"yes"}}},"properties":{"do_not_sell":"true"}}"#,
];

/// Checks a transform with these events, [`sample`](super::sample) and [`ODD`].
///
/// # Panics
/// At the first breach, with the transform's name and the event.
pub fn check(name: &str, claims: Claims, build: impl Fn(Side) -> Box<dyn Transform>, events: &[&str]) {
    let sample = super::sample().to_json();
    let texts: Vec<&str> = [sample.as_str()]
        .into_iter()
        .chain(ODD)
        .chain(events.iter().copied())
        .collect();
    for place in [Side::Source, Side::Sink] {
        let transform = build(place);
        let first: Vec<Ended> = texts
            .iter()
            .map(|text| end(name, place, &*transform, text))
            .collect();
        if claims.idempotent {
            for (text, ended) in texts.iter().zip(&first) {
                let again = || end(name, place, &*transform, &ended.json);
                if ended.flow == Flow::Pass {
                    assert_eq!(
                        (again().flow, again().json.as_str()),
                        (Flow::Pass, ended.json.as_str()),
                        "{name}: another result the second time: {text}"
                    );
                }
            }
        }
        if claims.pure {
            // The other way round, by the same instance and by a new one.
            for transform in [transform, build(place)] {
                for (text, ended) in texts.iter().zip(&first).rev() {
                    let again = end(name, place, &*transform, text);
                    assert_eq!(&again, ended, "{name}: not pure: {text}");
                }
            }
        }
    }
}

/// The end of an event at a transform.
#[derive(Debug, PartialEq)]
struct Ended {
    flow: Flow,
    json: String,
    facts: String,
}

fn end(name: &str, place: Side, transform: &dyn Transform, text: &str) -> Ended {
    let mut event = event(text);
    let receipt = event.receipt().clone();
    let flow = transform.apply(&mut event);
    let json = event.to_json();
    assert_eq!(event.receipt(), &receipt, "{name}: changed the receipt of {text}");
    match &flow {
        Flow::Pass => {}
        Flow::Filtered(reason) | Flow::Rejected(reason) => speaks(name, reason),
        Flow::NotBefore(_) => assert!(
            place == Side::Sink && transform.only_paces(),
            "{name}: only a transform that paces a sink sets events aside: {text}"
        ),
    }
    if transform.only_paces() {
        assert_eq!(
            json,
            self::event(text).to_json(),
            "{name}: only paces, and changed the event"
        );
    }
    for warning in &event.facts().warnings {
        assert!(
            !warning.code.is_empty(),
            "{name}: a warning without a code: {text}"
        );
    }
    let facts = format!("{:?}", event.facts());
    Ended { flow, json, facts }
}

/// A reason has a code for metrics and a message for people, and shows nothing of a person.
fn speaks(name: &str, reason: &Reason) {
    let code = reason.code();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(
        !code.is_empty() && code.chars().all(plain),
        "{name}: the code {code:?}"
    );
    let message = reason.message().to_lowercase();
    let shown = PERSONAL
        .iter()
        .chain([&SECRET])
        .find(|private| message.contains(**private));
    assert!(shown.is_none(), "{name}: a reason shows {shown:?}");
}

#[cfg(test)]
mod tests {
    use signalbox_core::{Event, Path, Scalar};

    use super::*;

    /// A transform of one function.
    struct By(fn(&mut Event) -> Flow);

    impl Transform for By {
        fn apply(&self, event: &mut Event) -> Flow {
            (self.0)(event)
        }
    }

    fn check_by(apply: fn(&mut Event) -> Flow) {
        check("by", Claims::default(), |_| Box::new(By(apply)), &[]);
    }

    fn set(event: &mut Event, text: &str) -> Flow {
        event.set(&Path::new("note"), Scalar::String(text));
        Flow::Pass
    }

    #[test]
    fn a_good_one_passes() {
        check_by(|event| set(event, "seen"));
        check_by(|_| Flow::Filtered(Reason::new("not_wanted", "not for here")));
    }

    #[test]
    #[should_panic(expected = "not pure")]
    fn state_between_events_is_found() {
        use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        check_by(|event| match event.root().get("note") {
            Some(_) => Flow::Pass,
            None => set(event, &COUNT.fetch_add(1, Relaxed).to_string()),
        });
    }

    #[test]
    #[should_panic(expected = "another result the second time")]
    fn a_second_change_is_found() {
        check_by(|event| {
            let json = event.to_json();
            set(event, &json)
        });
    }

    #[test]
    #[should_panic(expected = "a reason shows")]
    fn personal_data_in_reasons_is_found() {
        check_by(|event| Flow::Rejected(Reason::new("bad", event.to_json())));
    }

    #[test]
    #[should_panic(expected = "sets events aside")]
    fn waiting_is_for_sinks() {
        check_by(|_| Flow::NotBefore(std::time::Instant::now()));
    }
}
