//! The changes of troubles from one look at the pipeline to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::Serialize;
use signalbox_config::AlertSettings;

use super::conditions::{Subject, Trouble, is_unknown, judge};
use super::facts::Facts;
use super::shares::Shares;

/// The step that a trouble has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    Begun,
    /// The same subject is in another trouble: another reason, another level.
    Changed,
    Ended,
}

/// A change that a message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) subject: Subject,
    pub(super) step: Step,
    pub(super) critical: bool,
    pub(super) text: String,
}

/// The result of a look at the pipeline.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// The changes since the last look.
    pub(super) changes: Vec<Change>,
    /// The troubles of this moment.
    pub(super) troubles: BTreeMap<Subject, Trouble>,
    /// The subjects of troubles that are not over, as far as is known.
    pub(super) open: BTreeSet<Subject>,
}

/// The troubles that have begun and are not over.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The level of each open trouble at the last look.
    open: BTreeMap<Subject, String>,
    shares: Shares,
}

impl Watch {
    /// Compares the pipeline with the last look at it.
    pub(super) fn observe(&mut self, facts: &Facts, settings: &AlertSettings, now: Instant) -> Observed {
        self.shares.note(facts, now);
        let judged = judge(
            facts,
            settings,
            |subject| self.open.get(subject).cloned(),
            |sink| self.shares.of(sink),
        );
        // A component that is gone or disabled has not recovered, so no message says so.
        self.open.retain(|subject, _| {
            is_unknown(subject, facts) || judged.iter().any(|(judged, _)| judged == subject)
        });
        let mut observed = Observed::default();
        for (subject, judgement) in judged {
            if let Err(trouble) = &judgement {
                observed.troubles.insert(subject.clone(), trouble.clone());
            }
            let open = self.open.get(&subject);
            let (step, critical, text) = match judgement {
                Ok(over) => {
                    if self.open.remove(&subject).is_none() {
                        continue;
                    }
                    (Step::Ended, false, over.to_owned())
                }
                Err(trouble) if open == Some(&trouble.level) => continue,
                Err(trouble) => {
                    let before = self.open.insert(subject.clone(), trouble.level);
                    let step = before.map_or(Step::Begun, |_| Step::Changed);
                    (step, trouble.critical, trouble.text)
                }
            };
            observed.changes.push(Change {
                subject,
                step,
                critical,
                text,
            });
        }
        observed.open = self.open.keys().cloned().collect();
        observed
    }
}
