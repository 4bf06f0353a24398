//! The conditions of alerts: which hold at a moment, and how they are said. Texts hold names of components, stable codes and
//! counts, never a value of an event.

use std::sync::Arc;

use serde::Serialize;
use signalbox_config::AlertSettings;
use signalbox_history::Loss;
use signalbox_journal::{LetterCounts, Usage};
use signalbox_runtime::hold::HoldCause;

use super::facts::{Facts, SinkFacts, SourceFacts};
use super::shares::Share;

/// The subject of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Held,
    Lagging,
    Rejected,
    DeadLetters,
    Journal,
    JournalUnwritable,
    Certificate,
    HistoryFailing,
    HistoryLost,
    AuditFailing,
}

impl Kind {
    /// Returns the word in messages and answers.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Held => "held",
            Kind::Lagging => "lagging",
            Kind::Rejected => "rejected",
            Kind::DeadLetters => "dead_letters",
            Kind::Journal => "journal",
            Kind::JournalUnwritable => "journal_unwritable",
            Kind::Certificate => "certificate",
            Kind::HistoryFailing => "history_failing",
            Kind::HistoryLost => "history_lost",
            Kind::AuditFailing => "audit_failing",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// An alert's subject and the name of its component, empty for the router.
pub(super) type Subject = (Kind, Arc<str>);

/// A condition that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The reason of a hold, or the level of a fill. Another level is another trouble of the same subject.
    pub(super) level: String,
    pub(super) critical: bool,
    pub(super) text: String,
}

/// The judgement of one subject: the trouble, or the sentence that says that there is none any more.
pub(super) type Judgement = (Subject, Result<&'static str, Trouble>);

/// The levels of a fill, in per cent.
const LEVELS: [u64; 3] = [100, 90, 70];
/// Points below a level at which the level ends, so that a fill that varies a little causes no stream of messages.
const SWAY: u64 = 5;
const DAY: u64 = 86_400;
/// Time before the end of a certificate from which on it is critical, in seconds.
const SOON: u64 = 3 * DAY;

/// Judges all subjects of which something is known. `before` is the level at which a subject was reported, and `share` the
/// share of a sink's rejected events.
pub(super) fn judge(
    facts: &Facts,
    settings: &AlertSettings,
    before: impl Fn(&Subject) -> Option<String>,
    share: impl Fn(&str) -> Share,
) -> Vec<Judgement> {
    let mut judged = Vec::new();
    let mut add =
        |kind: Kind, name: &Arc<str>, judge: &dyn Fn(Option<&str>) -> Result<&'static str, Trouble>| {
            let subject = (kind, name.clone());
            let judgement = judge(before(&subject).as_deref());
            judged.push((subject, judgement));
        };
    for sink in facts.sinks.iter().filter(|sink| !sink.elsewhere) {
        if !sink.disabled {
            add(Kind::Held, &sink.name, &|_| held(sink));
            add(Kind::Lagging, &sink.name, &|before| {
                lagging(sink, settings, before.is_some())
            });
            add(Kind::Rejected, &sink.name, &|before| {
                rejected(share(&sink.name), settings, before.is_some())
            });
        }
        add(Kind::DeadLetters, &sink.name, &|before| {
            dead_letters(sink.letters, before)
        });
    }
    for source in &facts.sources {
        if let Some(left) = source.certificate {
            add(Kind::Certificate, &source.name, &|_| certificate(left, settings));
        }
    }
    let router: Arc<str> = "".into();
    add(Kind::Journal, &router, &|before| journal(facts.journal, before));
    add(Kind::JournalUnwritable, &router, &|_| {
        let text = "the journal cannot be written, and sources refuse events; /ready gives the reason";
        when(facts.unwritable, "the journal can be written again", true, text)
    });
    add(Kind::HistoryFailing, &router, &|_| {
        let text = "the history cannot be written; 'signalbox status' gives the reason, and deliveries go on";
        when(
            facts.history_failing,
            "the history can be written again",
            false,
            text,
        )
    });
    add(Kind::HistoryLost, &router, &|_| lost(&facts.history_lost));
    add(Kind::AuditFailing, &router, &|_| {
        let text = "the audit log cannot be written, so acts of operators are refused; 'signalbox status' gives the reason, and \
                    deliveries go on";
        when(
            facts.audit_failing,
            "the audit log can be written again",
            false,
            text,
        )
    });
    judged
}

/// True if the subject's component is still there and only unknown at this moment.
pub(super) fn is_unknown((kind, name): &Subject, facts: &Facts) -> bool {
    let is_it = |source: &SourceFacts| source.name == *name;
    *kind == Kind::Certificate && facts.sources.iter().any(is_it)
}

fn when(holds: bool, over: &'static str, critical: bool, text: &str) -> Result<&'static str, Trouble> {
    if !holds {
        return Ok(over);
    }
    Err(Trouble {
        level: String::new(),
        critical,
        text: text.to_owned(),
    })
}

fn lost(losses: &[Loss]) -> Result<&'static str, Trouble> {
    let Some(last) = losses.last() else {
        return Ok("the history has lost no file for a day");
    };
    let files = if losses.len() == 1 { "a file" } else { "files" };
    let told: Vec<String> = losses.iter().map(ToString::to_string).collect();
    Err(Trouble {
        // A later loss is another trouble.
        level: last.at.to_string(),
        critical: false,
        text: format!("the history lost {files}: {}; deliveries go on", told.join("; ")),
    })
}

fn held(sink: &SinkFacts) -> Result<&'static str, Trouble> {
    let Some((cause, code)) = &sink.held else {
        return Ok("delivers again");
    };
    let level = format!("{}: {code}", cause.code());
    let text = format!(
        "is on hold ({level}) and delivers nothing; {}",
        pending(sink.pending)
    );
    Err(Trouble {
        level,
        critical: *cause != HoldCause::Operator,
        text,
    })
}

fn lagging(sink: &SinkFacts, settings: &AlertSettings, was: bool) -> Result<&'static str, Trouble> {
    let limit = settings.lag().as_secs();
    let limit = if was { limit / 2 } else { limit };
    let lag = sink.lag.unwrap_or(0);
    let text = format!(
        "lags: its oldest pending event arrived {} minutes ago; {}",
        lag / 60,
        pending(sink.pending)
    );
    when(lag > limit, "no longer lags", false, &text)
}

fn pending(events: u64) -> String {
    match events {
        1 => "1 event is pending".to_owned(),
        _ => format!("{events} events are pending"),
    }
}

fn rejected(share: Share, settings: &AlertSettings, was: bool) -> Result<&'static str, Trouble> {
    let limit = settings.share_rejected();
    let limit = if was { limit / 2.0 } else { limit };
    let Share { rejected, journalled } = share;
    let text = format!("rejected {rejected} events within 15 minutes, while {journalled} came in for it");
    when(share.exceeds(limit), "rejects few events again", false, &text)
}

/// Returns the highest level that a fill has reached, given the one that was reported.
fn level(bytes: u64, max_bytes: u64, before: Option<&str>) -> Option<u64> {
    let before = before.and_then(|before| before.parse::<u64>().ok()).unwrap_or(0);
    let percent = u128::from(bytes) * 100 / u128::from(max_bytes.max(1));
    LEVELS.into_iter().find(|level| {
        let sway = if before >= *level { SWAY } else { 0 };
        max_bytes > 0 && percent >= u128::from(level - sway)
    })
}

fn filled(
    level: Option<u64>,
    over: &'static str,
    text: impl Fn(u64) -> String,
) -> Result<&'static str, Trouble> {
    let Some(level) = level else { return Ok(over) };
    Err(Trouble {
        level: level.to_string(),
        critical: level > LEVELS[2],
        text: text(level),
    })
}

fn dead_letters(letters: LetterCounts, before: Option<&str>) -> Result<&'static str, Trouble> {
    let level = level(letters.bytes, letters.max_bytes, before);
    filled(level, "has room for dead letters again", |level| {
        format!(
            "has used {level} % of the room for its dead letters ({} kept); retry or discard some",
            letters.kept
        )
    })
}

fn journal(usage: Usage, before: Option<&str>) -> Result<&'static str, Trouble> {
    let level = level(usage.bytes, usage.max_bytes, before);
    filled(level, "the journal has room again", |level| match level {
        100 => format!(
            "the journal is full with {} events, and sources refuse new ones",
            usage.events
        ),
        _ => format!(
            "the journal is {level} % full with {} events; when it is full, sources refuse new ones",
            usage.events
        ),
    })
}

fn certificate(left: i64, settings: &AlertSettings) -> Result<&'static str, Trouble> {
    let Ok(left) = u64::try_from(left) else {
        return Err(Trouble {
            level: "expired".to_owned(),
            critical: true,
            text: "has an expired certificate".to_owned(),
        });
    };
    let soon = left < SOON.min(settings.certificate().as_secs());
    if left >= settings.certificate().as_secs() {
        return Ok("has a new certificate");
    }
    Err(Trouble {
        level: if soon { "soon" } else { "near" }.to_owned(),
        critical: soon,
        text: format!("has a certificate that expires in {} days", left / DAY),
    })
}
