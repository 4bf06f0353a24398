//! The settings in a pipeline file.

use governor::clock::DefaultClock;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::limiter::{Per, Quota};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, Side, Transform, TransformConfig, register_plugin,
};

use crate::key::KeyTemplate;
use crate::options::OnExceeded;
use crate::transform::RateLimit;

/// Default of `max_keys`; that many keys take a few megabytes.
const MAX_KEYS: u32 = 100_000;

/// Settings of the transform `rate_limit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Number of events that pass in any second, minute or hour (see `per`), bursts included. At least 1. Required.
    #[schemars(range(min = 1))]
    pub limit: u32,
    /// Window over which `limit` is counted: any window of this length, not the one of the clock. Required.
    pub per: Per,
    /// Number of events of `limit` that may come at once, from 1 to `limit`. The rest is spread evenly: after a
    /// burst, events pass at `limit - burst + 1` per window. Default: a tenth of `limit`, rounded up.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
    /// A template such as `"{{ userId }}"`: each of its values has a separate quota. Events that lack one of its paths
    /// share one quota. Default: one quota for all events.
    #[serde(default)]
    pub key: Option<String>,
    /// Number of keys remembered at once; beyond that, keys share quotas. At least 1. Default 100000.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_keys: Option<u32>,
    /// Treatment of an event over the quota. Default: `"wait"` on a sink, `"refuse"` on a source.
    #[serde(default)]
    pub on_exceeded: Option<OnExceeded>,
}

register_plugin!(
    Transform,
    RateLimitConfig,
    "rate_limit",
    "Lets at most so many events pass in a second, minute or hour."
);

#[typetag::deserialize(name = "rate_limit")]
impl TransformConfig for RateLimitConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
        let mut errors = Vec::new();
        let quota = Quota::new(self.limit, self.per.window(), self.burst)
            .map_err(|error| errors.push(BuildError::new(error.setting(), error.to_string())))
            .ok();
        let on_exceeded = self.on_exceeded_at(context.place, &mut errors);
        let key = self.key.as_deref().and_then(|text| {
            KeyTemplate::parse(text)
                .map_err(|message| {
                    errors.push(
                        BuildError::new("key", message)
                            .help("write paths of the event in double braces: \"{{ userId }}\""),
                    );
                })
                .ok()
        });
        if self.max_keys == Some(0) {
            errors.push(BuildError::new("max_keys", "must be at least 1"));
        }
        if self.max_keys.is_some() && self.key.is_none() {
            errors.push(
                BuildError::new("max_keys", "means nothing without a key").help("set key, or leave this out"),
            );
        }
        let (Some(quota), true) = (quota, errors.is_empty()) else {
            return Err(errors);
        };
        let max_keys = self.max_keys.unwrap_or(MAX_KEYS) as usize;
        let clock = DefaultClock::default();
        let transform = RateLimit::new(key, on_exceeded, quota, max_keys, clock);
        Ok(Built::transform(transform))
    }
}

impl RateLimitConfig {
    fn on_exceeded_at(&self, place: Side, errors: &mut BuildErrors) -> OnExceeded {
        let path = "on_exceeded";
        match (place, self.on_exceeded) {
            (Side::Source, None) => OnExceeded::Refuse,
            (Side::Sink, None) => OnExceeded::Wait,
            (Side::Source, Some(OnExceeded::Wait)) => {
                errors.push(
                    BuildError::new(path, "on a source, nothing can wait: its client is waiting for an answer")
                        .help("use \"refuse\" (the client sends again later) or \"drop\", or move this transform to a sink"),
                );
                OnExceeded::Refuse
            }
            (Side::Sink, Some(OnExceeded::Refuse)) => {
                errors.push(
                    BuildError::new(
                        path,
                        "on a sink, nobody is left to refuse: the event was accepted already",
                    )
                    .help("use \"wait\" or \"drop\", or move this transform to a source"),
                );
                OnExceeded::Wait
            }
            (_, Some(given)) => given,
        }
    }
}
