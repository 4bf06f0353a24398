//! Every plugin is linked, listed and can be built by its name.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use signalbox_core::{PluginKind, SinkConfig, SourceConfig, TransformConfig, plugins};

/// The names that typetag knows, taken from the error about a name it does not know.
#[derive(Debug)]
struct Known(BTreeSet<&'static str>);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Known {}

impl serde::de::Error for Known {
    fn custom<T: fmt::Display>(message: T) -> Known {
        panic!("expected an unknown variant: {message}")
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Known {
        Known(expected.iter().copied().collect())
    }
}

fn known<T: for<'de> Deserialize<'de>>() -> BTreeSet<&'static str> {
    let settings = MapDeserializer::new([("type", "no such plugin")].into_iter());
    let result: Result<T, Known> = T::deserialize(settings);
    match result {
        Ok(_) => panic!("built a plugin that does not exist"),
        Err(known) => known.0,
    }
}

fn listed(kind: PluginKind) -> BTreeSet<&'static str> {
    plugins()
        .into_iter()
        .filter(|plugin| plugin.kind == kind)
        .map(|plugin| plugin.name)
        .collect()
}

/// The names that pipeline files in the world hold: none of them may ever go away. New plugins need no line.
const KEPT: [(&str, &str); 11] = [
    ("source", "file"),
    ("source", "segment_http"),
    ("transform", "filter"),
    ("transform", "hash_pii"),
    ("transform", "limited_data_processing"),
    ("transform", "map"),
    ("transform", "rate_limit"),
    ("sink", "console"),
    ("sink", "file"),
    ("sink", "pinterest_conversions"),
    ("sink", "webhook"),
];

#[test]
fn no_plugin_is_lost_and_none_is_there_twice() {
    let mut found = BTreeSet::new();
    for plugin in plugins() {
        let name = (plugin.kind.name(), plugin.name);
        assert!(found.insert(name), "{name:?} is listed twice");
    }
    for name in KEPT {
        assert!(found.contains(&name), "{name:?} is not linked");
    }
}

#[test]
fn what_is_listed_can_be_built_and_the_other_way_round() {
    assert_eq!(listed(PluginKind::Source), known::<Box<dyn SourceConfig>>());
    assert_eq!(listed(PluginKind::Transform), known::<Box<dyn TransformConfig>>());
    assert_eq!(listed(PluginKind::Sink), known::<Box<dyn SinkConfig>>());
}

#[test]
fn every_plugin_and_every_setting_is_described() {
    for plugin in plugins() {
        let name = plugin.name;
        assert!(plugin.summary.ends_with('.'), "{name}");
        let schema = (plugin.schema)().to_value();
        assert_eq!(
            schema["additionalProperties"], false,
            "{name}: deny_unknown_fields"
        );
        for (setting, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(
                property["description"].is_string() || property["$ref"].is_string(),
                "{name}.{setting}"
            );
        }
    }
}
