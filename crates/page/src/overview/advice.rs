//! Advice: troubles that call for an operator, each with its remedy.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_admin::{Status, Trouble};
use signalbox_history::{Outcome, Sum};
use signalbox_journal::SOURCE;

use crate::words::{self, link};

/// Urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// All is well.
    Good,
    /// An operator should look soon.
    Attention,
    /// Deliveries stand still or events are refused.
    Trouble,
}

/// A trouble that calls for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Advice {
    /// Urgency.
    pub(super) level: Level,
    /// Name of the component; empty for the router.
    pub(super) component: String,
    /// The trouble.
    pub(super) problem: String,
    /// The remedy.
    pub(super) remedy: String,
    /// Address of the view that shows more; empty if there is none.
    pub(super) more: String,
}

/// Lists the troubles that call for an operator, the most urgent first. `unread` is the reason why the history cannot be read, and
/// `hours` are sums of the last 24 hours by hour, outcome and sink.
pub(super) fn list(
    status: &Status,
    troubles: Vec<Trouble>,
    unread: Option<&str>,
    hours: &[Sum],
) -> Vec<Advice> {
    let mut list: Vec<Advice> = troubles
        .into_iter()
        .map(|trouble| of_trouble(status, trouble))
        .collect();
    let mut add = |level, component: &str, problem: String, remedy: &str| {
        list.push(Advice {
            level,
            component: component.to_owned(),
            problem,
            remedy: remedy.to_owned(),
            more: String::new(),
        });
    };
    if let Some(why) = &status.not_ready {
        add(
            Level::Trouble,
            "",
            format!("the router accepts no events: {why}"),
            "Wait while it starts or stops; else read its log.",
        );
    }
    for orphan in &status.orphans {
        add(
            Level::Attention,
            &orphan.name,
            format!(
                "is no longer in the pipeline file, and is owed {}",
                words::counted(orphan.pending, "event", "events")
            ),
            "Put the sink back into the file, or give the events up with 'signalbox forget'.",
        );
    }
    for (name, events) in status
        .journal
        .may_come_again
        .iter()
        .flatten()
        .filter(|(_, events)| **events > 0)
    {
        add(
            Level::Attention,
            name,
            format!(
                "may get {} twice, since the journal lost its state",
                words::counted(*events, "event", "events")
            ),
            "Nothing to do: platforms recognise most of them by their event_id.",
        );
    }
    if let Some(history) = status
        .history
        .as_ref()
        .filter(|history| history.dropped + history.lost > 0)
    {
        add(
            Level::Attention,
            "",
            format!(
                "the history misses {}",
                words::counted(history.dropped + history.lost, "record", "records")
            ),
            "The totals of the ledger count them. If it happens often, give the history a faster disk.",
        );
    }
    if let Some(unread) = unread {
        add(
            Level::Attention,
            "",
            "the history cannot be read, so charts, quality and events are missing".to_owned(),
            &sentence(unread),
        );
    }
    if let Some(alerts) = &status.alerts
        && let Some(failing) = &alerts.failing
    {
        add(
            Level::Attention,
            "",
            format!(
                "the webhook of [alerts] does not take messages ({failing}), and {} for it",
                words::counted(alerts.waiting, "message waits", "messages wait")
            ),
            "See that it runs, and that its address and token in [alerts] are right. The messages are sent again by themselves.",
        );
    }
    // Failures that were retried or discarded need no look any more.
    let kept = |sink: &str| status.sinks.get(sink).is_none_or(|sink| sink.letters.kept > 0);
    list.extend(
        failing(hours)
            .into_iter()
            .filter(|advice| kept(&advice.component)),
    );
    list.sort_by_key(|advice| std::cmp::Reverse(advice.level));
    list
}

/// Lists the sinks of which more than one record in a hundred failed in the last 24 hours, the share at which alerts begin by
/// default.
fn failing(hours: &[Sum]) -> Vec<Advice> {
    let mut by_sink: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for sum in hours {
        let [_, outcome, sink] = &*sum.group else { continue };
        // A source notes no event that it journalled, so there is no share of it.
        if sink.starts_with(SOURCE) {
            continue;
        }
        let (ended, failed) = by_sink.entry(sink).or_default();
        let count = u64::try_from(sum.count).unwrap_or(0);
        *ended += count;
        if Outcome::named(outcome).is_some_and(Outcome::is_failure) {
            *failed += count;
        }
    }
    let failing = by_sink
        .into_iter()
        .filter(|(_, (ended, failed))| failed * 100 > *ended);
    let advice = failing.map(|(sink, (ended, failed))| Advice {
        level: Level::Attention,
        component: sink.to_owned(),
        problem: format!(
            "failed to deliver {} of its records in the last 24 hours",
            words::percent(failed, ended)
        ),
        remedy: format!(
            "{} of {} became dead letters: see the reasons, repair the cause, then retry or discard them.",
            words::number(failed),
            words::number(ended)
        ),
        more: link("failures", &[("sink", sink)]),
    });
    advice.collect()
}

fn of_trouble(status: &Status, trouble: Trouble) -> Advice {
    let name = trouble.component.to_string();
    let held = status.sinks.get(&name).and_then(|sink| sink.held.as_ref());
    let (remedy, more) = match trouble.kind {
        "held" => (
            held.map_or_else(String::new, |held| {
                format!("{} Nothing is lost: the events wait in the journal.", sentence(&held.message))
            }),
            link("events", &[("sink", &name), ("outcome", "pending")]),
        ),
        "lagging" => (
            "Look at the reasons for which records are sent again: quota, time-outs, an outage of the platform.".to_owned(),
            link("events", &[("sink", &name), ("outcome", "pending")]),
        ),
        "dead_letters" => (
            "Repair the cause, then retry or discard the dead letters.".to_owned(),
            link("failures", &[("sink", &name)]),
        ),
        "journal" => (
            "A sink takes fewer events than arrive: see which one is on hold or lags, or raise max_bytes in [journal].".to_owned(),
            String::new(),
        ),
        "journal_unwritable" => (
            "Make room on the disk of the journal, or give its folder back to the router's user.".to_owned(),
            String::new(),
        ),
        "certificate" => ("Renew the certificate; the router reads the new file by itself.".to_owned(), String::new()),
        "history_failing" => (
            status
                .history
                .as_ref()
                .and_then(|history| history.failing.as_deref())
                .map(sentence)
                .unwrap_or_default(),
            String::new(),
        ),
        "history_lost" => (
            "The totals of the ledger are complete. Find out which program deletes or overwrites files in the history's folder."
                .to_owned(),
            String::new(),
        ),
        "audit_failing" => (
            status
                .audit
                .as_ref()
                .and_then(|audit| audit.failing.as_deref())
                .map(sentence)
                .unwrap_or_default(),
            "/ui/audit".to_owned(),
        ),
        _ => (String::new(), String::new()),
    };
    Advice {
        level: if trouble.critical {
            Level::Trouble
        } else {
            Level::Attention
        },
        component: name,
        problem: trouble.text,
        remedy,
        more,
    }
}

/// Makes a sentence of a message: a capital at its beginning and a full stop at its end.
fn sentence(message: &str) -> String {
    let mut rest = message.chars();
    let Some(first) = rest.next() else {
        return String::new();
    };
    let end = if message.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), rest.as_str())
}

/// Says in one sentence if all is well.
pub(super) fn judge(status: &Status, advice: &[Advice]) -> (Level, String) {
    let Some(first) = advice.first() else {
        let working = status.sinks.values().filter(|sink| !sink.disabled).count() as u64;
        let pending = status.sinks.values().map(|sink| sink.pending).sum::<u64>();
        let waits = match pending {
            0 => "no event waits".to_owned(),
            pending => format!("{} on the way", words::counted(pending, "event is", "events are")),
        };
        let sinks = words::counted(working, "sink delivers", "sinks deliver");
        return (Level::Good, format!("All is well: {sinks}, {waits}."));
    };
    let about = match &*first.component {
        "" => sentence(&first.problem),
        name => format!("{name} {}.", first.problem),
    };
    let others = advice.len() as u64 - 1;
    let more = match others {
        0 => String::new(),
        others => format!(
            " {} below.",
            words::counted(others, "more thing needs a look", "more things need a look")
        ),
    };
    (first.level, format!("{about}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_failures_above_one_in_a_hundred_calls_for_a_look() {
        let sum = |outcome: &str, count| Sum {
            group: vec!["0".to_owned(), outcome.to_owned(), "pin".to_owned()],
            count,
            ..Sum::default()
        };
        assert_eq!(
            failing(&[sum("delivered", 198), sum("rejected", 1), sum("expired", 1)]),
            []
        );
        let advice = failing(&[sum("delivered", 197), sum("rejected", 1), sum("expired", 2)]);
        assert_eq!(advice[0].level, Level::Attention);
        assert!(advice[0].problem.contains("2 %"), "{advice:?}");
        assert_eq!(advice[0].more, "/ui/failures?sink=pin");
    }

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("the token ran out"), "The token ran out.");
        assert_eq!(sentence("über."), "Über.");
        assert_eq!(sentence(""), "");
    }
}
