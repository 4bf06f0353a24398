//! `signalbox plugins`

use std::fmt::Write as _;

use serde_json::Value;
use signalbox_core::{PluginInfo, absent_plugins, plugins, with_feature};

use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(crate) fn run(name: Option<&str>) -> Result<Code, Failure> {
    let all = plugins();
    let Some(name) = name else {
        print(&list(&all));
        return Ok(exit::OK);
    };
    // `file` is a source and a sink.
    let chosen: Vec<_> = all.iter().filter(|plugin| plugin.name == name).collect();
    if chosen.is_empty() {
        if let Some(absent) = absent_plugins().iter().find(|absent| absent.name == name) {
            let remedy = with_feature(absent.feature);
            let problem = format!("this build of Signalbox has no plugin '{name}'; {remedy}");
            return Err(Failure::Problem(exit::FAILED, problem));
        }
        let names: Vec<_> = all.iter().map(|plugin| plugin.name).collect();
        let problem = format!("there is no plugin '{name}'; there are {}", names.join(", "));
        return Err(Failure::Problem(exit::USAGE, problem));
    }
    for plugin in chosen {
        print(&describe(plugin));
    }
    Ok(exit::OK)
}

fn list(all: &[&PluginInfo]) -> String {
    let width = all.iter().map(|plugin| plugin.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for plugin in all {
        let _ = writeln!(
            out,
            "{:<9}  {:<width$}  {}",
            plugin.kind.name(),
            plugin.name,
            plugin.summary
        );
    }
    let absent = absent_plugins();
    if !absent.is_empty() {
        out.push_str("\nOnly in builds with a cargo feature:\n");
    }
    for plugin in absent {
        let (kind, name, feature) = (plugin.kind.name(), plugin.name, plugin.feature);
        let _ = writeln!(out, "{kind:<9}  {name:<width$}  --features {feature}");
    }
    out.push_str("\n'signalbox plugins NAME' shows the settings of one.\n");
    out
}

fn describe(plugin: &PluginInfo) -> String {
    let mut out = format!("{} {}: {}\n", plugin.kind.name(), plugin.name, plugin.summary);
    let schema = (plugin.schema)().to_value();
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let settings = schema["properties"].as_object().into_iter().flatten();
    for (name, setting) in settings {
        let need = match setting.get("default") {
            _ if required.contains(&name.as_str()) => "required".to_owned(),
            Some(default) if !default.is_null() => format!("default {default}"),
            _ => "optional".to_owned(),
        };
        let _ = writeln!(out, "\n  {name} ({need})");
        for line in setting["description"].as_str().unwrap_or_default().lines() {
            let _ = writeln!(out, "      {line}");
        }
    }
    out.push('\n');
    out
}
