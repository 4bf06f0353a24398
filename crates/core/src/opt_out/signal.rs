//! The signals, and where they are looked for.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Answer, Event, Kind, Node};

use super::signalled::Signalled;
use super::{gpp, us_privacy};

/// A signal by which a user opts out of the sale or sharing of personal data, or of targeted advertising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptOutSignal {
    /// Global Privacy Control: `gpc` or `globalPrivacyControl` reads as yes.
    Gpc,
    /// A US privacy string such as `1YYN` in `us_privacy`, `usPrivacy` or `uspString`: opted out if its third letter is
    /// `Y` (IAB, "US Privacy String").
    UsPrivacy,
    /// A GPP string in `gpp`, `gpp_string` or `gppString`, limited to the sections of `gpp_sid` or `applicableSections` if
    /// there is one. Opted out if a US section says so, or has GPC set.
    Gpp,
    /// RudderStack's `optOutType`, or `opt_out_type`: opted out if it lists `LDP`.
    OptOutType,
}

/// Objects in which signals are looked for, from the root.
const PLACES: [&[&str]; 6] = [
    &["context", "privacy"],
    &["context", "consent"],
    &["context"],
    &["properties"],
    &["traits"],
    &["context", "traits"],
];

impl OptOutSignal {
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            OptOutSignal::Gpc => &["gpc", "globalPrivacyControl"],
            OptOutSignal::UsPrivacy => &["us_privacy", "usPrivacy", "uspString"],
            OptOutSignal::Gpp => &["gpp", "gpp_string", "gppString"],
            OptOutSignal::OptOutType => &["optOutType", "opt_out_type"],
        }
    }

    /// Returns the setting's word for this signal.
    pub fn name(self) -> &'static str {
        match self {
            OptOutSignal::Gpc => "gpc",
            OptOutSignal::UsPrivacy => "us_privacy",
            OptOutSignal::Gpp => "gpp",
            OptOutSignal::OptOutType => "opt_out_type",
        }
    }

    /// Reads the signal of an event, wherever it stands in `context.privacy`, `context.consent`, `context`, `properties` or
    /// traits. One opt-out is enough.
    pub fn read(self, event: &Event) -> Signalled {
        let mut found = Signalled::Nothing;
        for place in PLACES {
            let Some(object) = at(event.root(), place) else {
                continue;
            };
            for key in self.keys() {
                let Some(node) = object.get(key) else { continue };
                let signalled = self
                    .value(node, object)
                    .unwrap_or_else(|why| Signalled::Unreadable {
                        path: format!("{}.{key}", place.join(".")),
                        why,
                    });
                match (&found, &signalled) {
                    (_, Signalled::OptedOut) => return signalled,
                    (Signalled::Unreadable { .. }, _) | (_, Signalled::Nothing) => {}
                    (Signalled::No, Signalled::No) => {}
                    _ => found = signalled,
                }
            }
        }
        found
    }

    fn value(self, node: Node<'_>, beside: Node<'_>) -> Result<Signalled, String> {
        match self {
            OptOutSignal::Gpc => answer(Answer::of(node)),
            OptOutSignal::UsPrivacy => us_privacy::read(node),
            OptOutSignal::Gpp => gpp::read(node, beside),
            OptOutSignal::OptOutType => opt_out_type(node),
        }
    }
}

fn at<'n>(root: Node<'n>, steps: &[&str]) -> Option<Node<'n>> {
    let mut node = root;
    for step in steps {
        node = node.get(step)?;
    }
    (node.kind() == Kind::Object).then_some(node)
}

fn answer(answer: Answer) -> Result<Signalled, String> {
    match answer {
        Answer::Yes => Ok(Signalled::OptedOut),
        Answer::No => Ok(Signalled::No),
        Answer::Missing => Ok(Signalled::Nothing),
        Answer::Unknown => Err("it says neither yes nor no".to_owned()),
    }
}

/// Reads a list of jurisdictions' flags, of which `LDP` is the one for US states.
fn opt_out_type(node: Node<'_>) -> Result<Signalled, String> {
    let is_flag = |text: &str| {
        text.split(',')
            .any(|flag| flag.trim().eq_ignore_ascii_case("ldp"))
    };
    if node.items().filter_map(Node::as_str).any(is_flag) || node.as_str().is_some_and(is_flag) {
        return Ok(Signalled::OptedOut);
    }
    match Answer::of(node) {
        Answer::Unknown => Err("it does not list LDP".to_owned()),
        // `false`: not opted out; `true` does not say of what.
        Answer::No => Ok(Signalled::No),
        Answer::Yes => Ok(Signalled::OptedOut),
        Answer::Missing => Ok(Signalled::Nothing),
    }
}
