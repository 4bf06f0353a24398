//! Deciding each event's fate, recording the good ones, and forming the answer.

use http::StatusCode;

use crate::api::{Acceptance, Api};
use crate::faults::{Garbage, Kind};
use crate::judge::{Refusal, Verdict};
use crate::reply::Reply;
use crate::state::Memory;
use crate::vendor::Vendor;

pub(super) fn settle(
    memory: &mut Memory,
    api: &dyn Api,
    mut verdicts: Vec<Verdict<'_>>,
    test: bool,
) -> Reply {
    let vendor = api.vendor();
    let faults = memory.injector(vendor).faults().clone();
    let poison = |verdict: &Verdict<'_>| faults.poison_event_ids.contains(&verdict.event_id);
    if !faults.poison_event_ids.is_empty() && verdicts.iter().any(poison) {
        memory.count(vendor, |counts| counts.fault("poison_event_ids"));
        return refuse(memory, api, &Refusal::without_reason(verdicts.len()), test);
    }
    for verdict in &mut verdicts {
        if memory.strikes(vendor, Kind::FailEvents) && verdict.error.is_none() {
            verdict.error = Some("This failure was asked for.".to_owned());
        }
        if memory.strikes(vendor, Kind::WarnEvents) && verdict.warning.is_none() {
            verdict.warning = Some("This warning was asked for.".to_owned());
        }
    }
    if api.all_or_nothing()
        && let Some(refusal) = first_error(&verdicts)
    {
        return refuse(memory, api, &refusal, test);
    }
    let reset = memory.strikes(vendor, Kind::Reset);
    let lost = reset && !faults.reset.is_some_and(|reset| reset.after_accept);
    if record(memory, vendor, &verdicts, test, lost).is_err() {
        return api.other(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The capture file could not be written.",
        );
    }
    let acceptance = Acceptance {
        short: memory.strikes(vendor, Kind::ShortBody),
        partial_as_422: faults.partial_as_422,
    };
    let mut reply = api.accepted(&verdicts, acceptance);
    if memory.strikes(vendor, Kind::GarbageBody) {
        reply = match faults.garbage_body.map(|fault| fault.form).unwrap_or_default() {
            Garbage::Html => Reply::text(reply.status, "text/html", "<html><body>It works!</body></html>"),
            Garbage::Truncated => {
                let half = reply.body.len() / 2;
                reply.body.truncate(half);
                reply
            }
            Garbage::Empty => Reply::text(reply.status, "application/json", ""),
        };
    }
    reply.cut = reset;
    reply
}

/// Refuses the request, and counts its events.
pub(super) fn refuse(memory: &mut Memory, api: &dyn Api, refusal: &Refusal, test: bool) -> Reply {
    let events = refusal.events as u64;
    memory.count(api.vendor(), |counts| {
        counts.received += events;
        if test {
            counts.test_events += events;
        } else {
            counts.refused += events;
        }
    });
    api.refused(refusal, memory.injector(api.vendor()).faults())
}

/// Returns the refusal of the whole request for its first bad event.
fn first_error(verdicts: &[Verdict<'_>]) -> Option<Refusal> {
    let found = verdicts.iter().enumerate().find_map(|(index, verdict)| {
        let message = verdict.error.as_ref()?;
        Some((index, message, verdict.code))
    });
    found.map(|(index, message, code)| Refusal {
        message: message.clone(),
        events: verdicts.len(),
        index: Some(index),
        code,
    })
}

/// Counts all events and keeps the good ones.
fn record(
    memory: &mut Memory,
    vendor: Vendor,
    verdicts: &[Verdict<'_>],
    test: bool,
    lost: bool,
) -> std::io::Result<()> {
    let total = verdicts.len() as u64;
    memory.count(vendor, |counts| {
        counts.received += total;
        counts.test_events += if test { total } else { 0 };
    });
    if test {
        return Ok(());
    }
    let good: Vec<&Verdict<'_>> = verdicts
        .iter()
        .filter(|verdict| verdict.error.is_none())
        .collect();
    let taken = good.len() as u64;
    memory.count(vendor, |counts| counts.failed += total - taken);
    if lost {
        memory.count(vendor, |counts| counts.unrecorded += taken);
        return Ok(());
    }
    if let Some(capture) = &mut memory.capture
        && let Err(error) = capture.write(good.iter().map(|verdict| verdict.raw))
    {
        tracing::error!(%error, events = taken, "the capture file could not be written");
        memory.count(vendor, |counts| counts.unrecorded += taken);
        return Err(error);
    }
    for verdict in good {
        let key = verdict.remarks.dedup_key.as_ref();
        let known = key.is_some_and(|key| memory.keys.seen_before(vendor, key));
        memory.count(vendor, |counts| {
            counts.accepted += 1;
            counts.warned += u64::from(verdict.warning.is_some());
            counts.duplicates += u64::from(known);
            match verdict.remarks.ldp {
                Some(true) => counts.ldp_complete += 1,
                Some(false) => counts.ldp_incomplete += 1,
                None => {}
            }
        });
        let event = (vendor, verdict.raw.to_owned());
        memory.events.push(verdict.raw.len(), event);
    }
    Ok(())
}
