//! Acts on dead letters: retry and discard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_admin::{Caller, Deed};
use signalbox_journal::DeadLetterFilter;
use signalbox_runtime::operate::{Acted, Piece, act_on_all};

use crate::problem::Problem;
use crate::state::Page;
use crate::view::Act;
use crate::words::counted;

/// A group of dead letters, as it was shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Group {
    /// The sink, or `source:NAME`.
    sink: String,
    /// The code of the reason.
    reason: String,
    /// The mapping; empty for whole events.
    #[serde(default)]
    mapping: String,
    /// The newest dead letter that was shown: later ones are left out.
    up_to: u64,
}

/// Delivers the dead letters of a group again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct RetryLetters(Group);

/// Removes the dead letters of a group for good.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct DiscardLetters(Group);

/// The result.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Done {
    /// Dead letters that matched.
    matched: u64,
    /// The result as a sentence.
    message: String,
    #[serde(skip)]
    deed: Deed,
}

impl Act for RetryLetters {
    const NAME: &'static str = "failures/retry";
    const ABOUT: &'static str = "Delivers the dead letters of a group again, the oldest first.";
    const WORD: Option<&'static str> = Some("retry");
    type Answer = Done;

    async fn act(self, page: &Page, _: &Caller) -> Result<Done, Problem> {
        let deed = page.admin.deed(Some(&self.0.sink));
        let acted = self.0.act(page, true).await?;
        let mut message = format!(
            "{} will be delivered again.",
            counted(acted.taken.removed, "event", "events")
        );
        let stay = [
            (
                acted.not_running,
                "since their sink or source does not run or is disabled",
            ),
            (
                acted.taken.without_payload,
                "since nothing of their events is kept",
            ),
        ];
        for (count, why) in stay.into_iter().filter(|(count, _)| *count > 0) {
            message.push_str(&format!(
                " {}, {why}.",
                counted(count, "dead letter stays", "dead letters stay")
            ));
        }
        Ok(Done {
            matched: acted.matched,
            message,
            deed: deed
                .count("matched", acted.matched)
                .count("retried", acted.taken.removed),
        })
    }

    fn deed(done: &Done) -> Deed {
        done.deed.clone()
    }
}

impl Act for DiscardLetters {
    const NAME: &'static str = "failures/discard";
    const ABOUT: &'static str = "Removes the dead letters of a group for good.";
    const WORD: Option<&'static str> = Some("discard");
    type Answer = Done;

    async fn act(self, page: &Page, _: &Caller) -> Result<Done, Problem> {
        let deed = page.admin.deed(Some(&self.0.sink));
        let acted = self.0.act(page, false).await?;
        Ok(Done {
            matched: acted.matched,
            message: format!(
                "{} removed.",
                counted(acted.taken.removed, "dead letter was", "dead letters were")
            ),
            deed: deed
                .count("matched", acted.matched)
                .count("discarded", acted.taken.removed),
        })
    }

    fn deed(done: &Done) -> Deed {
        done.deed.clone()
    }
}

impl Group {
    async fn act(self, page: &Page, retry: bool) -> Result<Acted, Problem> {
        let piece = Piece {
            filter: DeadLetterFilter {
                component: Some(self.sink),
                reason: Some(self.reason),
                mapping: Some(self.mapping),
                up_to: Some(self.up_to),
                ..DeadLetterFilter::default()
            },
            ..Piece::default()
        };
        let acted = act_on_all(&**page.admin.source(), piece, retry).await;
        acted.map_err(Problem::conflict)
    }
}
