//! Facts about an event, in addition to its payload.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Node, Path, Sha256Hex, Warning};

/// Facts that transforms find out and destinations apply. They travel with the event through the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Set if the user opted out and the opt-out can be expressed: the destination must restrict processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_data_processing: Option<LimitedDataProcessing>,
    /// Hashes that transforms put in the place of plain text, by path and rules. Hashes that arrived are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashed: Vec<HashedPath>,
    /// Warnings of transforms, for instance about values left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Names of the only sinks that may get the event. `None`: every sink of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinks: Option<Vec<String>>,
}

impl Facts {
    /// Adds a warning unless it is there from a run before.
    pub fn warn_once(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// An opt-out under a US state privacy law, with the codes a destination needs to honour it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedDataProcessing {
    /// Two-letter state code, upper case: `CA`.
    pub state: String,
    /// ISO 3166 alpha-2 country code, upper case: `US`.
    pub country: String,
}

/// The hashes of a path's values by one set of rules.
///
/// A path hashed by one set has one entry, without a list: every value there is a hash by these rules, and the payload holds
/// it. A path hashed by several sets has an entry for each, and so has one at which some hashes arrived with the event. The
/// lists of a path's entries run parallel: the hashes at one index are those of one value, of which the payload holds one. A
/// value of which some rules have several hashes takes several indices; then an entry with the rules
/// [`IN_PAYLOAD`](HashedPath::IN_PAYLOAD) tells at each index which hash the payload holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedPath {
    /// Path with dots. Shared, since every event of a kind names the same paths.
    pub path: Arc<str>,
    /// Name of the normalising rules.
    pub rules: Arc<str>,
    /// The kind of personal field for which the values were normalised, such as `email`; `None` where the entry has no list,
    /// and in journals of older versions. It tells values apart that one set of rules makes equal and another does not, such
    /// as an e-mail address and a user id that repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'static, str>>,
    /// The hash of each value, as 64 lower-case hexadecimal digits; the empty text where the rules have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Arc<str>>,
}

impl HashedPath {
    /// The name, in the place of rules, of an entry that lists the hashes in the payload.
    pub const IN_PAYLOAD: &'static str = "in_payload";

    /// Returns true if `test` does for a text at the path in this payload, or in a list there or on the way.
    pub fn any_text<'n>(&self, root: Node<'n>, test: &mut dyn FnMut(&'n str) -> bool) -> bool {
        let path = Path::new(&self.path);
        let steps: Vec<&str> = path.steps().collect();
        any_text(root, &steps, test)
    }

    /// Lists the hashes of an entry without a list, if the payload that replaces the one before no longer holds all of them
    /// at the path. Lists are bounded, so one of very many hashes stays out.
    pub(crate) fn keep(&mut self, before: Node<'_>, after: Node<'_>) {
        /// Most hashes of a list.
        const LISTED: usize = 64;
        if !self.hashes.is_empty() {
            return;
        }
        let path = Path::new(&self.path);
        let steps: Vec<&str> = path.steps().collect();
        let texts = |root| {
            let mut texts = Vec::new();
            any_text(root, &steps, &mut |text| {
                texts.push(text);
                texts.len() > LISTED
            });
            texts
        };
        let known = texts(before);
        if known.len() <= LISTED && known != texts(after) {
            let hashes = known.into_iter().filter_map(Sha256Hex::from_prehashed);
            self.hashes = hashes.map(|hash| hash.as_str().into()).collect();
        }
    }
}

/// Looks for a text that passes the test, in lists too. It descends no deeper than the payload, which is bounded.
fn any_text<'n>(node: Node<'n>, steps: &[&str], test: &mut dyn FnMut(&'n str) -> bool) -> bool {
    if node.items().any(|item| any_text(item, steps, test)) {
        return true;
    }
    match steps {
        [] => node.as_str().is_some_and(test),
        [step, rest @ ..] => {
            let index = step.parse().ok().and_then(|index| node.items().nth(index));
            let next = index.or_else(|| node.get(step));
            next.is_some_and(|next| any_text(next, rest, test))
        }
    }
}
