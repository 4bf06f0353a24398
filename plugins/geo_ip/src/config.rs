//! The settings in a pipeline file.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, Transform, TransformConfig, register_plugin,
};

use crate::renewal::Renewed;
use crate::transform::GeoIp;

/// Settings of the transform `geo_ip`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeoIpConfig {
    /// Path of the database: a file in MaxMind's format (`.mmdb`) that holds countries, and for states their subdivisions.
    /// Required.
    pub database: String,
    /// Interval at which the file is checked. A new one is used once it is wholly sound; a broken one is logged, and the last
    /// good one stays in use. Default `10s`.
    #[serde(default = "default_check_every")]
    pub check_every: HumanDuration,
}

fn default_check_every() -> HumanDuration {
    HumanDuration::from_secs(10)
}

register_plugin!(
    Transform,
    GeoIpConfig,
    "geo_ip",
    "Fills context.location with the country and region of the event's address."
);

#[typetag::deserialize(name = "geo_ip")]
impl TransformConfig for GeoIpConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
        let mut errors = Vec::new();
        if self.check_every.0.is_zero() {
            errors.push(BuildError::new("check_every", "must be longer than nothing"));
        }
        match Renewed::read(&context.name, Path::new(&self.database), self.check_every.0) {
            Ok(database) if errors.is_empty() => Ok(Built::transform(GeoIp::new(database))),
            Ok(_) => Err(errors),
            Err(problem) => {
                errors.push(BuildError::new("database", problem).help(
                    "name a country or city database in MaxMind's format, such as GeoLite2-City.mmdb; \
                     MaxMind's geoipupdate fetches it",
                ));
                Err(errors)
            }
        }
    }
}
