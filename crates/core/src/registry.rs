//! The list of linked plugins. typetag can build a component by name but cannot list them; this list gives names,
//! summaries and settings, for errors, `signalbox plugins` and the schema. A test of the binary compares both.

use schemars::Schema;

/// The kind of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginKind {
    /// A [`crate::Source`].
    Source,
    /// A [`crate::Transform`].
    Transform,
    /// A [`crate::Sink`].
    Sink,
}

impl PluginKind {
    /// Returns "source", "transform" or "sink".
    pub fn name(self) -> &'static str {
        match self {
            PluginKind::Source => "source",
            PluginKind::Transform => "transform",
            PluginKind::Sink => "sink",
        }
    }
}

/// One linked plugin.
#[derive(Debug)]
pub struct PluginInfo {
    /// Kind of the plugin.
    pub kind: PluginKind,
    /// The `type` that selects the plugin.
    pub name: &'static str,
    /// One sentence for lists.
    pub summary: &'static str,
    /// JSON Schema of the plugin's settings (without `type` and the runtime's keys).
    pub schema: fn() -> Schema,
}

inventory::collect!(PluginInfo);

/// Returns every linked plugin, ordered by kind and name.
pub fn plugins() -> Vec<&'static PluginInfo> {
    let mut all: Vec<_> = inventory::iter::<PluginInfo>.into_iter().collect();
    all.sort_by_key(|info| (info.kind, info.name));
    all
}

/// A plugin that only builds with a cargo feature have.
#[derive(Debug)]
pub struct OptionalPlugin {
    /// Kind of the plugin.
    pub kind: PluginKind,
    /// The `type` that selects the plugin.
    pub name: &'static str,
    /// The cargo feature of the program that brings the plugin.
    pub feature: &'static str,
}

inventory::collect!(OptionalPlugin);

/// Returns the plugins that this build was made without, ordered by kind and name.
pub fn absent_plugins() -> Vec<&'static OptionalPlugin> {
    let linked = plugins();
    let is_linked = |it: &OptionalPlugin| {
        linked
            .iter()
            .any(|one| (one.kind, one.name) == (it.kind, it.name))
    };
    let mut absent: Vec<_> = inventory::iter::<OptionalPlugin>
        .into_iter()
        .filter(|optional| !is_linked(optional))
        .collect();
    absent.sort_by_key(|optional| (optional.kind, optional.name));
    absent
}

/// Returns the remedy for a build without a cargo feature: the command that makes one with it.
pub fn with_feature(feature: &str) -> String {
    format!(
        "use a build with the cargo feature '{feature}': cargo install --path crates/signalbox --features {feature}"
    )
}

/// Names a plugin that only builds with a cargo feature have, so that errors about it in other builds name the remedy.
///
/// ```
/// signalbox_core::optional_plugin!(Sink, "pigeon", feature = "birds");
/// let absent = signalbox_core::absent_plugins();
/// assert!(absent.iter().any(|plugin| plugin.name == "pigeon"));
/// ```
#[macro_export]
macro_rules! optional_plugin {
    ($kind:ident, $name:literal, feature = $feature:literal) => {
        $crate::__private::inventory::submit! {
            $crate::OptionalPlugin {
                kind: $crate::PluginKind::$kind,
                name: $name,
                feature: $feature,
            }
        }
    };
}

/// Registers a plugin, beside its `#[typetag::deserialize(name = "…")]` implementation with the same name:
///
/// ```
/// # use signalbox_core::*;
/// /// Does nothing.
/// #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// pub struct PassConfig {}
///
/// struct Pass;
/// impl Transform for Pass {
///     fn apply(&self, _: &mut Event) -> Flow {
///         Flow::Pass
///     }
/// }
///
/// #[typetag::deserialize(name = "pass")]
/// impl TransformConfig for PassConfig {
///     fn build(&self, _: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors> {
///         Ok(Built::transform(Pass))
///     }
/// }
///
/// register_plugin!(Transform, PassConfig, "pass", "Does nothing.");
/// assert!(plugins().iter().any(|plugin| plugin.name == "pass"));
/// ```
#[macro_export]
macro_rules! register_plugin {
    ($kind:ident, $config:ty, $name:literal, $summary:literal) => {
        $crate::__private::inventory::submit! {
            $crate::PluginInfo {
                kind: $crate::PluginKind::$kind,
                name: $name,
                summary: $summary,
                schema: || $crate::__private::schemars::schema_for!($config),
            }
        }
    };
}
