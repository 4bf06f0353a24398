//! Makes dead letters: the kept part of an event that could not be delivered.

use signalbox_core::{
    BuildContext, Event, Flow, Reason, RejectedInput, Side, Transform, TransformConfig, may_be_address,
    redact,
};
use signalbox_journal::DeadLetter;

use crate::delivery::guard;
use signalbox_config::PersonalData;

/// Makes dead letters as far as the setting `personal_data` allows.
pub struct DeadLetters {
    keep: PersonalData,
    /// Hashes kept events; `None` if the plugin for it is not linked.
    hasher: Option<Box<dyn Transform>>,
}

impl DeadLetters {
    /// Hashes with the `hash_pii` transform: its default paths, all of its rules.
    pub fn new(keep: PersonalData) -> DeadLetters {
        let hasher = (keep == PersonalData::Hashed).then(hasher).flatten();
        DeadLetters { keep, hasher }
    }

    /// A dead letter of an event that ended now. `position` is its place in the journal.
    pub fn letter(
        &self,
        component: &str,
        event: &Event,
        position: Option<u64>,
        mapping: &str,
        reason: &Reason,
    ) -> DeadLetter {
        let (payload, facts) = self.kept(event).unzip();
        DeadLetter {
            component: component.to_owned(),
            message_id: safe_id(event.message_id()),
            source: event.receipt().source.to_string(),
            mapping: mapping.to_owned(),
            position,
            received_at: event.receipt().received_at,
            first_at: event.receipt().received_at,
            payload,
            facts,
            ..self.nameless(component, reason)
        }
    }

    /// A dead letter of something that is no event.
    pub fn input(&self, component: &str, input: &RejectedInput) -> DeadLetter {
        DeadLetter {
            message_id: safe_id(input.message_id.as_deref().unwrap_or_default()),
            ..self.nameless(component, &input.reason)
        }
    }

    /// A dead letter that tells the reason alone.
    pub fn nameless(&self, component: &str, reason: &Reason) -> DeadLetter {
        let now = now_millis();
        DeadLetter {
            component: component.to_owned(),
            reason: reason.code().to_owned(),
            message: reason.message().to_owned(),
            first_at: now,
            last_at: now,
            received_at: now,
            ..DeadLetter::default()
        }
    }

    /// The payload and the facts that may be kept.
    fn kept(&self, event: &Event) -> Option<(String, String)> {
        let facts = |event: &Event| serde_json::to_string(event.facts()).unwrap_or_default();
        match self.keep {
            PersonalData::None => None,
            PersonalData::Plain => Some((event.to_json(), facts(event))),
            PersonalData::Hashed => {
                let hasher = self.hasher.as_ref()?;
                let mut copy = event.clone();
                // Rather nothing than something that could not be hashed.
                let flow = guard("transform_panicked", || hasher.apply(&mut copy)).ok()?;
                (flow == Flow::Pass).then(|| (copy.to_json(), facts(&copy)))
            }
        }
    }
}

/// Returns an event's id, redacted if a shop may have put an e-mail address into it.
pub(crate) fn safe_id(id: &str) -> String {
    if may_be_address(id) {
        redact(id)
    } else {
        id.to_owned()
    }
}

/// The `hash_pii` transform by its name in the registry: the runtime knows no plugin. It follows all rules that it offers,
/// so that a letter that is retried holds the hashes of every sink.
pub(crate) fn hasher() -> Option<Box<dyn Transform>> {
    let build = |settings: serde_json::Value| {
        let config: Box<dyn TransformConfig> = serde_json::from_value(settings).ok()?;
        let context = BuildContext {
            name: "dead_letters".into(),
            place: Side::Sink,
        };
        config.build(&context).ok()
    };
    let default = build(serde_json::json!({ "type": "hash_pii" }))?;
    let rules = default.declares.hashes?.offered;
    Some(build(serde_json::json!({ "type": "hash_pii", "rules": rules }))?.component)
}

/// The wall clock in Unix milliseconds.
pub fn now_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
