//! The decision.

use signalbox_core::{Event, Flow, LimitedDataProcessing, Transform};

use crate::location::{Finding, Location, Places};
use crate::opt_out::{Condition, Decision};
use crate::options::OnUnknownState;
use crate::reasons;

/// Sets the fact, or follows the policy.
pub(crate) struct Ldp {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) places: Places,
    /// Codes of the states whose users are subject to it.
    pub(crate) states: Vec<&'static str>,
    pub(crate) country: &'static str,
    pub(crate) on_unknown_state: OnUnknownState,
}

/// The treatment of events of users who opted out.
enum Subject {
    Yes(LimitedDataProcessing),
    No,
    NotKnown(Location),
}

impl Ldp {
    fn opted_out(&self, event: &mut Event) -> bool {
        let mut unreadable = None;
        for condition in &self.conditions {
            match condition.decision(event) {
                Decision::OptedOut => return true,
                Decision::Unreadable => unreadable = unreadable.or(Some(condition)),
                Decision::No => {}
            }
        }
        let Some(condition) = unreadable else {
            return false;
        };
        let warning = condition.unreadable(event);
        event.facts_mut().warn_once(warning);
        true
    }

    fn subject(&self, event: &Event) -> Subject {
        let location = self.places.find(event);
        match (location.state, location.country) {
            // Of another country's states nothing is known, and nothing needs to be.
            (_, Finding::Code(country)) if country != self.country => Subject::No,
            (Finding::Code(state), Finding::Code(country)) if self.states.contains(&state) => {
                Subject::Yes(LimitedDataProcessing {
                    state: state.to_owned(),
                    country: country.to_owned(),
                })
            }
            (Finding::Code(_), Finding::Code(_)) => Subject::No,
            _ => Subject::NotKnown(location),
        }
    }
}

impl Ldp {
    /// The state as which an event is flagged whose place is not wholly known: its own if only the country is missing, else
    /// the first of `states`. `None` if its own is none of `states`: then no
    /// country makes it subject.
    fn assumed(&self, location: &Location) -> Option<&'static str> {
        match location.state {
            Finding::Code(state) => self.states.contains(&state).then_some(state),
            Finding::Unknown | Finding::Missing => self.states.first().copied(),
        }
    }
}

impl Transform for Ldp {
    fn apply(&self, event: &mut Event) -> Flow {
        // Another one has set it already; no later one takes an opt-out back.
        if event.facts().limited_data_processing.is_some() || !self.opted_out(event) {
            return Flow::Pass;
        }
        match self.subject(event) {
            Subject::No => Flow::Pass,
            Subject::Yes(fact) => {
                event.facts_mut().limited_data_processing = Some(fact);
                Flow::Pass
            }
            Subject::NotKnown(location) => match self.on_unknown_state {
                OnUnknownState::Reject => Flow::Rejected(reasons::incomplete(&location)),
                OnUnknownState::Filter => Flow::Filtered(reasons::incomplete(&location)),
                OnUnknownState::Send => {
                    let path = self.places.looked_at(&location);
                    event
                        .facts_mut()
                        .warn_once(reasons::sent_incomplete(&location, &path));
                    Flow::Pass
                }
                OnUnknownState::Flag => {
                    if let Some(state) = self.assumed(&location) {
                        let path = self.places.looked_at(&location);
                        event
                            .facts_mut()
                            .warn_once(reasons::flagged_incomplete(&location, &path));
                        event.facts_mut().limited_data_processing = Some(LimitedDataProcessing {
                            state: state.to_owned(),
                            country: self.country.to_owned(),
                        });
                    }
                    Flow::Pass
                }
            },
        }
    }
}
