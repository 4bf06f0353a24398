//! The examples of the guide and of the plugins' pages work.

use serde::de::DeserializeOwned;
use signalbox_core::{BuildContext, BuildErrors, Built, Component, Side, SinkConfig, TransformConfig};

const PAGES: [(&str, &str); 4] = [
    ("docs/mappings.md", include_str!("../../../../docs/mappings.md")),
    ("filter", include_str!("../../../../plugins/filter/README.md")),
    ("map", include_str!("../../../../plugins/map/README.md")),
    ("webhook", include_str!("../../../../plugins/webhook/README.md")),
];

/// Keys of a sink that the runtime reads.
const RUNTIME: [&str; 3] = ["inputs", "through", "batch"];

fn context(name: &str) -> BuildContext {
    BuildContext {
        name: name.into(),
        place: Side::Sink,
    }
}

/// The components of a kind in an example.
fn components<C: DeserializeOwned>(file: &toml::Table, kind: &str, page: &str) -> Vec<(String, C)> {
    let tables = file.get(kind).and_then(toml::Value::as_table).cloned();
    tables
        .unwrap_or_default()
        .into_iter()
        .map(|(name, table)| {
            let toml::Value::Table(mut table) = table else {
                panic!("{page}: {name} is no table")
            };
            for key in RUNTIME {
                table.remove(key);
            }
            if !table.contains_key("type") {
                // An example of one part of a sink.
                table.insert("type".into(), page.into());
                table.insert("url".into(), "https://example.com".into());
            }
            let config = toml::Value::Table(table).try_into();
            let config = config.unwrap_or_else(|error| panic!("{page}: {name}: {error}"));
            (name, config)
        })
        .collect()
}

fn good<C: Component + ?Sized>(page: &str, name: &str, built: Result<Built<C>, BuildErrors>) {
    match built {
        Ok(built) => assert!(built.warnings.is_empty(), "{page}: {name}: {:?}", built.warnings),
        Err(errors) => panic!("{page}: {name}: {errors:?}"),
    }
}

#[test]
fn every_example_can_be_built_and_means_what_it_says() {
    for (page, text) in PAGES {
        let mut built = 0;
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let file: toml::Table = toml::from_str(block).unwrap_or_else(|error| panic!("{page}: {error}"));
            for (name, config) in components::<Box<dyn TransformConfig>>(&file, "transforms", page) {
                good(page, &name, config.build(&context(&name)));
                built += 1;
            }
            for (name, config) in components::<Box<dyn SinkConfig>>(&file, "sinks", page) {
                good(page, &name, config.build(&context(&name)));
                built += 1;
            }
        }
        assert!(built > 0, "{page} shows nothing");
    }
}
