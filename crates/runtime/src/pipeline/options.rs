//! The options of a sink, from its settings and the plugin's defaults.

use signalbox_config::{InputsRemoved, OnJournalFull, SinkEntry, SinkRuntime, WhenAbsent};
use signalbox_core::limiter::Quota;
use signalbox_core::{SinkDeclarations, SinkDefaults};

use crate::delivery::{BatchLimits, RequestLimits, RetryPolicy, SinkOptions, WindowLimits};
use crate::routing::Route;

/// Completes the runtime's keys of a sink with the plugin's defaults. The loader has checked their limits.
pub(super) fn options(entry: &SinkEntry, declares: &SinkDeclarations, durable: bool) -> SinkOptions {
    let defaults: SinkDefaults = entry.config.defaults();
    let keys: &SinkRuntime = &entry.runtime;
    let max_events = keys.batch.max_events.map_or(defaults.max_events, |n| n.get());
    let max_bytes = keys.batch.max_bytes.map_or(defaults.max_bytes, |size| size.0);
    let calls = keys.calls_per_minute.or(defaults.calls_per_minute);
    let rate_group = keys.rate_group.clone().or_else(|| declares.rate_group.clone());
    let concurrency = keys.concurrency.map_or(defaults.concurrency, |n| n.get());
    let integration = keys
        .integration
        .clone()
        .or(defaults.integration.map(str::to_owned));
    SinkOptions {
        name: entry.name.as_str().into(),
        inputs: keys.inputs.iter().map(|name| name.as_str().into()).collect(),
        through: keys.through.iter().map(|name| name.as_str().into()).collect(),
        filter_removed: keys.inputs_removed == InputsRemoved::Filter,
        mappings: declares.mappings.iter().cloned().collect(),
        orphan: false,
        route: Route {
            sink: entry.name.clone(),
            integration: integration.unwrap_or_else(|| entry.name.clone()),
            consent_categories: keys.consent_categories.clone(),
            filter_without_consent: keys.consent_when_absent == Some(WhenAbsent::Filter),
            opt_out_signals: keys.opt_out_signals.clone(),
        },
        batch: BatchLimits {
            max_events,
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            max_wait: keys.batch.max_wait.unwrap_or(defaults.max_wait).0,
        },
        requests: RequestLimits {
            concurrency,
            timeout: keys.timeout.unwrap_or(defaults.timeout).0,
            calls: calls.map(Quota::per_minute),
            rate_group: rate_group
                .unwrap_or_else(|| format!("sinks.{}", entry.name))
                .into(),
        },
        retry: RetryPolicy {
            window: keys.retry.window.unwrap_or(defaults.retry_for).0,
            initial: keys.retry.initial_backoff().0,
            max: keys.retry.max_backoff().0,
            maybe_duplicates: keys
                .retry_timeouts_of_offline
                .unwrap_or(defaults.retry_maybe_duplicates),
        },
        late_after: defaults.late_after.map(|age| age.0),
        unattributed_after: defaults.unattributed_after.map(|age| age.0),
        duplicate_window: defaults.duplicate_window.map(|window| window.0),
        durable,
        hold: keys.hold,
        shed_when_full: keys.on_journal_full == OnJournalFull::DeadLetterOldest,
        // Enough for every request under way and the next ones; the rest waits in the journal.
        window: WindowLimits {
            events: max_events.saturating_mul(concurrency + 2).max(1_000),
            // The same in bytes; an event is released once its records are made.
            bytes: usize::try_from(max_bytes)
                .unwrap_or(usize::MAX)
                .saturating_mul(concurrency + 2),
        },
    }
}
