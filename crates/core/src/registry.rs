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
