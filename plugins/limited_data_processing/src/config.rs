//! The settings in a pipeline file.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::personal::geo;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, OptOutSignal, Path, Transform, TransformConfig,
    register_plugin,
};

use crate::location::Places;
use crate::opt_out::Condition;
use crate::options::{OnIncomplete, OnUnknownState};
use crate::transform::Ldp;

/// The country whose states have such laws.
const COUNTRY: &str = "US";

/// Settings of the transform `limited_data_processing`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitedDataProcessingConfig {
    /// Conditions under which a user counts as opted out; one is enough. Required, at least one.
    pub opted_out: Vec<OptOut>,
    /// The states whose users it applies to, by code or name. Default `["CA"]`.
    #[serde(default = "default_states")]
    pub states: Vec<String>,
    /// The country of these states; only the United States are supported. Default `"US"`.
    #[serde(default = "default_country")]
    pub country: String,
    /// Paths of the user's state; the first with a known state counts. Default: `address.state` and `state` of
    /// `context.traits` and `traits`, then `address.state`, `billing_address.state` and `shipping_address.state` of
    /// `properties`, then `context.location.state` and `context.location.region`.
    #[serde(default = "default_state_paths")]
    pub state_paths: Vec<String>,
    /// Paths of the user's country, likewise. Default: the paths of the state, with `country`.
    #[serde(default = "default_country_paths")]
    pub country_paths: Vec<String>,
    /// Treatment of the event of an opted-out user whose state or country is not known: `reject` (a dead letter),
    /// `filter`, `send` without the flag, or `flag` as one of the first state of `states`. Default `"reject"`.
    #[serde(default)]
    pub on_unknown_state: Option<OnUnknownState>,
    /// Former name of `on_unknown_state`, with `drop` for `filter`. Default: not set.
    #[serde(default)]
    pub on_incomplete: Option<OnIncomplete>,
}

/// A condition under which a user counts as opted out: a path, a consent category or a signal.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    /// A path of the event, such as `properties.do_not_sell`.
    #[serde(default)]
    pub path: Option<String>,
    /// The answer at the path that means opted out: `true` for a question like "do not sell my data", `false` for one
    /// like "may we". Default `true`.
    #[serde(default)]
    pub is: Option<bool>,
    /// A text that means opted out, instead of yes or no. Letter case does not matter; the value may be a list.
    #[serde(default)]
    pub equals: Option<String>,
    /// A consent category of `context.consent.categoryPreferences`; opted out if it is not granted.
    #[serde(default)]
    pub consent_category: Option<String>,
    /// A signal that browsers and consent managers send: `gpc`, `us_privacy`, `gpp` or `opt_out_type`.
    #[serde(default)]
    pub signal: Option<OptOutSignal>,
}

const ADDRESSES: [&str; 7] = [
    "context.traits.address",
    "traits.address",
    "context.traits",
    "traits",
    "properties.address",
    "properties.billing_address",
    "properties.shipping_address",
];

fn default_states() -> Vec<String> {
    vec!["CA".to_owned()]
}

fn default_country() -> String {
    COUNTRY.to_owned()
}

fn default_state_paths() -> Vec<String> {
    let addresses = ADDRESSES.map(|address| format!("{address}.state"));
    let location = ["context.location.state", "context.location.region"].map(str::to_owned);
    addresses.into_iter().chain(location).collect()
}

fn default_country_paths() -> Vec<String> {
    let addresses = ADDRESSES.map(|address| format!("{address}.country"));
    addresses
        .into_iter()
        .chain(["context.location.country".to_owned()])
        .collect()
}

register_plugin!(
    Transform,
    LimitedDataProcessingConfig,
    "limited_data_processing",
    "Marks events of users who opted out under US state privacy laws."
);

#[typetag::deserialize(name = "limited_data_processing")]
impl TransformConfig for LimitedDataProcessingConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
        let mut errors = Vec::new();
        if self.opted_out.is_empty() {
            errors.push(BuildError::new("opted_out", "nothing says who opted out").help(
                "name a path, a consent category or a signal: [{ path = \"properties.do_not_sell\" }]",
            ));
        }
        let conditions = self.opted_out.iter().enumerate();
        let conditions = conditions
            .filter_map(|(at, said)| said.condition(at, &mut errors))
            .collect();
        if self.states.is_empty() {
            errors.push(
                BuildError::new("states", "no state is listed, so no opt-out would ever count")
                    .help("list states, such as [\"CA\"], or remove the transform"),
            );
        }
        let mut states = Vec::new();
        for (at, state) in self.states.iter().enumerate() {
            match geo::state_code(state) {
                Some(code) => states.push(code),
                None => errors.push(
                    BuildError::new(
                        format!("states.{at}"),
                        "is no state or territory of the United States",
                    )
                    .help("write its two-letter code or its English name"),
                ),
            }
        }
        if geo::country_code(&self.country) != Some(COUNTRY) {
            errors.push(
                BuildError::new(
                    "country",
                    "only the United States are supported: their states are the ones known here",
                )
                .help("set it to \"US\" or leave it out"),
            );
        }
        let places = Places {
            states: paths("state_paths", &self.state_paths, &mut errors),
            countries: paths("country_paths", &self.country_paths, &mut errors),
        };
        if self.on_unknown_state.is_some() && self.on_incomplete.is_some() {
            errors.push(
                BuildError::new(
                    "on_incomplete",
                    "is the former name of 'on_unknown_state', which is set, too",
                )
                .help("leave out on_incomplete"),
            );
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Built::transform(Ldp {
            conditions,
            places,
            states,
            country: COUNTRY,
            on_unknown_state: self
                .on_unknown_state
                .or(self.on_incomplete.map(OnUnknownState::from))
                .unwrap_or_default(),
        }))
    }
}

fn paths(setting: &str, texts: &[String], errors: &mut BuildErrors) -> Vec<Path> {
    if texts.is_empty() {
        errors.push(
            BuildError::new(setting, "no path is listed, so nothing would ever be known")
                .help("list paths, or leave it out for the usual ones"),
        );
    }
    let mut paths = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let path = Path::new(text);
        if path.is_empty() {
            errors.push(BuildError::new(format!("{setting}.{at}"), "is no path"));
        }
        paths.push(path);
    }
    paths
}

impl OptOut {
    fn condition(&self, at: usize, errors: &mut BuildErrors) -> Option<Condition> {
        let here = format!("opted_out.{at}");
        let mut wrong = |path: String, message: &str, help: &str| {
            errors.push(BuildError::new(path, message).help(help));
            None
        };
        match (&self.path, &self.consent_category) {
            _ if self.signal.is_some() && (self.path.is_some() || self.consent_category.is_some()) => wrong(
                here,
                "names a signal and something else",
                "make two entries of it; either is enough",
            ),
            (Some(_), Some(_)) => wrong(
                here,
                "names a path and a consent category",
                "make two entries of it; either is enough",
            ),
            (None, None) => match self.signal {
                Some(_) if self.is.is_some() || self.equals.is_some() => wrong(
                    here,
                    "a signal has its own way to say yes; 'is' and 'equals' are for paths",
                    "leave them out",
                ),
                Some(signal) => Some(Condition::Signal(signal)),
                None => wrong(
                    here,
                    "names nothing to look at",
                    "set path, consent_category or signal",
                ),
            },
            (None, Some(category)) if category.trim().is_empty() => wrong(
                format!("{here}.consent_category"),
                "is empty",
                "write the id of the category",
            ),
            (None, Some(_)) if self.is.is_some() || self.equals.is_some() => wrong(
                here,
                "a consent category is granted or not; 'is' and 'equals' are for paths",
                "leave them out",
            ),
            (None, Some(category)) => Some(Condition::Consent(category.clone())),
            (Some(path), None) => {
                let path = Path::new(path);
                match (self.is, &self.equals) {
                    _ if path.is_empty() => wrong(
                        format!("{here}.path"),
                        "is no path",
                        "write one such as properties.do_not_sell",
                    ),
                    (Some(_), Some(_)) => wrong(here, "has both 'is' and 'equals'", "keep one of the two"),
                    (is, None) => Some(Condition::Is(path, is.unwrap_or(true))),
                    (None, Some(text)) if text.trim().is_empty() => wrong(
                        format!("{here}.equals"),
                        "is empty",
                        "write the text that means opted out",
                    ),
                    (None, Some(text)) => Some(Condition::Equals(path, text.trim().to_lowercase())),
                }
            }
        }
    }
}
