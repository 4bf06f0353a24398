//! The settings in a pipeline file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::personal::{Field, Rules};
use signalbox_conversions::settings::DefaultCountry;
use signalbox_core::privacy::Class;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, Hashes, Path, Transform, TransformConfig,
    TransformDeclarations, register_plugin,
};

use crate::defaults;
use crate::options::{HashAs, RuleSet, RuleSets};
use crate::plan::{Plan, What};
use crate::seek::Kept;
use crate::transform::HashPii;

/// Members that the pipeline itself reads; it could not work with their hashes.
const NOT_PERSONAL: [&str; 2] = ["messageId", "type"];

/// Settings of the transform `hash_pii`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HashPiiConfig {
    /// Paths of the event that are hashed, each with its kind: `{ "properties.customer_email" = "email" }`. Added to
    /// the default ones, or used instead of them if `defaults` is false. Default none.
    #[serde(default)]
    pub paths: BTreeMap<String, HashAs>,
    /// If true, the usual paths are hashed (the table in this plugin's documentation), keys that mean something personal
    /// are found wherever they stand, and URLs and search texts are scrubbed. Default true.
    #[serde(default = "yes")]
    pub defaults: bool,
    /// Default paths, paths found by their meaning, and parts of addresses in `paths`, that stay as they are, with everything below them. Default none; an empty list says that none is meant,
    /// and silences the warning about values that a sink behind the transform takes as plain text only.
    #[serde(default)]
    pub keep: Option<Vec<String>>,
    /// Rules that normalise values before hashing, one set or a list of them: `"pinterest"`, `"meta"`, `"tiktok"` (the
    /// vendors' published rules; values that cannot be an identity are left out) and `"segment"` (the treatment in Segment's
    /// Pinterest destination). The event holds the hashes of the first; those of the others travel beside it, and each
    /// sink takes its own. Default `"pinterest"`.
    #[serde(default)]
    pub rules: RuleSets,
    /// The country whose rules read phone numbers and postal codes of events that tell none, such as "DE"; the same as that of
    /// the sinks behind the transform. Default none.
    #[serde(default)]
    pub default_country: DefaultCountry,
}

/// Returns true for a path whose last key means something, so that values there may be hashed or scrubbed.
fn has_meaning(path: &str) -> bool {
    let path = Path::new(path);
    path.steps().last().is_some_and(|key| !Class::of(key).is_empty())
}

fn yes() -> bool {
    true
}

impl HashAs {
    fn add(self, plan: &mut Plan, path: &str) {
        let field = match self {
            HashAs::Name => return plan.add(path, What::Name, false),
            HashAs::Address => return defaults::address(plan, path, false),
            HashAs::Email => Field::Email,
            HashAs::Phone => Field::Phone,
            HashAs::FirstName => Field::FirstName,
            HashAs::LastName => Field::LastName,
            HashAs::Gender => Field::Gender,
            HashAs::DateOfBirth => Field::DateOfBirth,
            HashAs::City => Field::City,
            HashAs::State => Field::State,
            HashAs::Zip => Field::Zip,
            HashAs::Country => Field::Country,
            HashAs::Street => Field::Street,
            HashAs::ExternalId => Field::ExternalId,
            HashAs::MobileAdId => Field::MobileAdId,
        };
        plan.add(path, What::Field(field), false);
    }
}

impl RuleSets {
    /// Finds an empty list, and names that stand twice.
    fn errors(&self) -> Vec<BuildError> {
        if self.0.is_empty() {
            let help = "name rules, such as \"pinterest\", or leave the setting out";
            return vec![BuildError::new("rules", "is empty, so nothing could be hashed").help(help)];
        }
        let twice = |(at, set): (usize, &RuleSet)| {
            let name = set.rules().name();
            let error = BuildError::new(format!("rules.{at}"), format!("names '{name}' a second time"));
            self.0[..at]
                .contains(set)
                .then(|| error.help("name each set of rules once"))
        };
        self.0.iter().enumerate().filter_map(twice).collect()
    }
}

register_plugin!(
    Transform,
    HashPiiConfig,
    "hash_pii",
    "Normalises and SHA-256 hashes personal fields in place."
);

impl HashPiiConfig {
    /// Returns true for a part of an address in `paths` that no other entry there names.
    fn is_part_of_address(&self, path: &str) -> bool {
        let path = Path::new(path).to_string();
        let is_below = |path: &str, above: &str| {
            let rest = path.strip_prefix(above);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        let mut part = false;
        for (listed, kind) in &self.paths {
            let listed = Path::new(listed).to_string();
            if listed == path || is_below(&listed, &path) {
                return false;
            }
            part |= *kind == HashAs::Address && is_below(&path, &listed);
        }
        part
    }
}

#[typetag::deserialize(name = "hash_pii")]
impl TransformConfig for HashPiiConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
        let mut errors = Vec::new();
        let mut plan = Plan::default();
        if self.defaults {
            defaults::add(&mut plan);
        }
        let mut not_default: Vec<(usize, &String)> = self.keep.iter().flatten().enumerate().collect();
        not_default.retain(|(_, path)| !plan.remove(path));
        for (path, kind) in &self.paths {
            let place = format!("paths.{path}");
            let steps = Path::new(path);
            if steps.is_empty() {
                errors.push(BuildError::new(place, "is no path"));
            } else if NOT_PERSONAL.contains(&steps.to_string().as_str()) {
                errors.push(BuildError::new(
                    place,
                    "names the event itself and cannot be hashed",
                ));
            } else {
                kind.add(&mut plan, path);
            }
        }
        for (at, path) in not_default {
            let is_out = self.is_part_of_address(path) && plan.remove(path);
            if !(is_out || self.defaults && has_meaning(path)) {
                errors.push(
                    BuildError::new(format!("keep.{at}"), "is not among the paths hashed by default")
                        .help("name one of them, such as \"properties.address\", or a part of an address in `paths`, or leave it out"),
                );
            }
        }
        if !self.defaults && self.paths.is_empty() {
            errors.push(
                BuildError::new("paths", "nothing would be hashed")
                    .help("list paths, or leave defaults = false out"),
            );
        }
        errors.extend(self.rules.errors());
        if !errors.is_empty() {
            return Err(errors);
        }
        let rules: Vec<&'static Rules> = self.rules.0.iter().map(|set| set.rules()).collect();
        let hashes = Some(Hashes {
            rules: rules.iter().map(|rules| rules.name()).collect(),
            offered: &RuleSet::NAMES,
            paths: plan.hashed(),
            by_meaning: self.defaults,
            kept: self
                .keep
                .iter()
                .flatten()
                .map(|path| Path::new(path).to_string())
                .collect(),
            plain_is_chosen: self.keep.is_some(),
        });
        let kept = Kept::new(self.keep.as_deref().unwrap_or_default());
        let transform =
            HashPii::new(plan, &rules, self.defaults.then_some(kept)).default_country(self.default_country.0);
        Ok(Built::transform(transform).declares(TransformDeclarations { hashes }))
    }
}
