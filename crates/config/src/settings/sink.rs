//! The runtime's keys in `[sinks.NAME]`.

use std::num::{NonZeroU32, NonZeroUsize};

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, OptOutSignal, SinkDefaults, Size};

/// The runtime's keys of a sink. A key that is `None` has the plugin's default ([`SinkDefaults`]), or the one that its
/// comment gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkRuntime {
    /// The sources whose events this sink gets. Required.
    pub inputs: Vec<String>,
    /// Transforms that every event passes on its way to this sink alone, in this order. Default: none.
    #[serde(default)]
    pub through: Vec<String>,
    /// Name of this destination in the `integrations` object of an event, by which a sender turns it off. Default: the
    /// plugin's, else the sink's own name.
    pub integration: Option<String>,
    /// Consent categories that an event must have been granted, each with `true` in `context.consent.categoryPreferences`.
    /// An event without these preferences follows `consent_when_absent`. Default: none.
    #[serde(default)]
    pub consent_categories: Vec<String>,
    /// Treatment of an event without consent preferences, where `consent_categories` are set: `"send"` it, as the user was
    /// not asked, or `"filter"` it, counted by the reason `no_consent`. Default: `"send"`.
    pub consent_when_absent: Option<WhenAbsent>,
    /// Signals by which a user opts out, that keep an event from this sink, counted by the reason `opted_out`: `"gpc"`,
    /// `"us_privacy"`, `"gpp"`, `"opt_out_type"`. One opt-out is enough, and so is a signal that cannot be read. Default:
    /// none.
    #[serde(default)]
    pub opt_out_signals: Vec<OptOutSignal>,
    /// Limits of a batch. Default: the plugin's.
    #[serde(default)]
    pub batch: BatchKeys,
    /// Retries of a record. Default: the plugin's.
    #[serde(default)]
    pub retry: RetryKeys,
    /// Requests under way at once. Default: the plugin's.
    pub concurrency: Option<NonZeroUsize>,
    /// The time for one request and its answer. Default: the plugin's.
    pub timeout: Option<HumanDuration>,
    /// Most attempts in any 60 seconds, retries included. Default: the plugin's.
    pub calls_per_minute: Option<NonZeroU32>,
    /// Group of sinks that share one `calls_per_minute`: those with the same name here. Default: the plugin's (by which the
    /// destination counts, such as an account), else the sink alone.
    pub rate_group: Option<String>,
    /// False to disable this sink: it is checked, but gets no event that arrives meanwhile, and delivers nothing. It keeps its
    /// earlier pending events and dead letters without a time limit, and goes on with them once it is enabled.
    /// Default: `true`.
    pub enabled: Option<bool>,
    /// True if this sink keeps everything and delivers nothing, until a reload or start without the key; for the time in
    /// which you clear something up with the destination. Default: `false`.
    #[serde(default)]
    pub hold: bool,
    /// Choice for a journal that is full because of this sink: `"refuse"` new events until there is room (senders keep them
    /// and try again), or make the oldest events that only this sink still needs dead letters (`"dead_letter_oldest"`).
    /// Default: `"refuse"`.
    #[serde(default)]
    pub on_journal_full: OnJournalFull,
    /// Start of a sink that the journal does not know yet, and of sources added to its inputs later: at the `"end"`, with
    /// the next event, or at the `"beginning"`, with the oldest event still held. Default: `"end"`.
    #[serde(default)]
    pub start: StartAt,
    /// Name that this sink had before: it goes on where that one stands, with its pending and parked events, dead letters
    /// and counts. It may stay in the file. Default: none.
    pub was: Option<String>,
    /// Fate of pending events of a source that is taken out of `inputs`: `"deliver"` them, since they were acknowledged for
    /// this sink, or `"filter"` them, counted by the reason `input_removed`. Default: `"deliver"`.
    #[serde(default)]
    pub inputs_removed: InputsRemoved,
    /// False to make a record of an `offline` event a dead letter when an attempt timed out and may have been written,
    /// since destinations may not recognise the second copy of such an event; true to send it again. Default: `true`.
    pub retry_timeouts_of_offline: Option<bool>,
}

/// Limits of a batch; the first one that is reached closes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchKeys {
    /// Most records in a batch. Default: the plugin's.
    pub max_events: Option<NonZeroUsize>,
    /// Most bytes of a request's body, at least `"1kB"`. Default: the plugin's.
    pub max_bytes: Option<Size>,
    /// Longest wait of a batch's first record for others. Default: the plugin's.
    pub max_wait: Option<HumanDuration>,
}

/// Retries of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryKeys {
    /// Time for which a record is retried, from its first attempt; then it expires. Default: the plugin's.
    #[serde(rename = "for")]
    pub window: Option<HumanDuration>,
    /// Wait before the first retry; it doubles from there, with jitter. Default: `"500ms"`.
    pub initial_backoff: Option<HumanDuration>,
    /// Longest wait between two attempts, unless the destination names a longer one. Default: `"60s"`.
    pub max_backoff: Option<HumanDuration>,
}

impl SinkRuntime {
    /// True unless the sink is disabled.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Least `batch.max_bytes`.
    const LEAST_BYTES: u64 = 1_000;

    /// Values outside their limits.
    pub(crate) fn faults(&self, defaults: &SinkDefaults) -> Vec<BuildError> {
        let (batch, retry) = (&self.batch, &self.retry);
        let mut faults = Vec::new();
        let spans = [
            ("timeout", self.timeout),
            ("retry.initial_backoff", retry.initial_backoff),
        ];
        for (key, _) in spans
            .iter()
            .filter(|(_, span)| span.is_some_and(|span| span.0.is_zero()))
        {
            faults.push(BuildError::new(*key, "must be longer than zero"));
        }
        if retry.initial_backoff() > retry.max_backoff() {
            let key = match retry.max_backoff {
                Some(_) => "retry.max_backoff",
                None => "retry.initial_backoff",
            };
            let message = "'initial_backoff' must not be longer than 'max_backoff'";
            faults.push(BuildError::new(key, message));
        }
        let ceiling = defaults.max_events_ceiling;
        if batch.max_events.is_some_and(|given| given.get() > ceiling) {
            let message = format!("this type of sink takes at most {ceiling} records in a batch");
            faults.push(BuildError::new("batch.max_events", message));
        }
        if batch.max_bytes.is_some_and(|given| given.0 < Self::LEAST_BYTES) {
            let fault = BuildError::new("batch.max_bytes", "no record fits into so few bytes");
            faults.push(fault.help("set it to 100kB or more"));
        }
        if self.rate_group.as_ref().is_some_and(String::is_empty) {
            let fault = BuildError::new("rate_group", "it must not be empty");
            faults.push(fault.help("give it a name, or leave it out"));
        }
        if self.consent_when_absent.is_some() && self.consent_categories.is_empty() {
            let fault = BuildError::new("consent_when_absent", "this sink asks for no consent");
            faults.push(fault.help("list the categories in consent_categories, or leave it out"));
        }
        faults
    }
}

impl RetryKeys {
    /// The wait before the first retry.
    #[must_use]
    pub fn initial_backoff(&self) -> HumanDuration {
        self.initial_backoff.unwrap_or(HumanDuration::from_millis(500))
    }

    /// The longest wait between two attempts.
    #[must_use]
    pub fn max_backoff(&self) -> HumanDuration {
        self.max_backoff.unwrap_or(HumanDuration::from_secs(60))
    }
}

/// The choice for new events while the journal is full because a sink lags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnJournalFull {
    /// Refuse new events (503 with Retry-After): clients keep and send them again.
    #[default]
    Refuse,
    /// Make the oldest events that only this sink still needs dead letters.
    DeadLetterOldest,
}

/// The treatment of an event without consent preferences by a sink that asks for consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenAbsent {
    /// The event is sent.
    #[default]
    Send,
    /// The event is filtered.
    Filter,
}

/// The fate of pending events of a source that is no longer an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputsRemoved {
    /// They are delivered as they would have been.
    #[default]
    Deliver,
    /// They are counted as filtered.
    Filter,
}

/// The start of a new sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// At the next event.
    #[default]
    End,
    /// At the oldest event still held.
    Beginning,
}
