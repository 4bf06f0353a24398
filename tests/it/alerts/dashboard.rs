//! The dashboard docs/grafana/signalbox.json.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::Metrics;

const FILE: &str = include_str!("../../../docs/grafana/signalbox.json");

fn dashboard() -> Value {
    serde_json::from_str(FILE).unwrap()
}

/// Collects the objects that have a member of this name.
fn having<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            if members.contains_key(key) {
                found.push(value);
            }
            members.values().for_each(|member| having(member, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| having(item, key, found)),
        _ => {}
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}"))
}

#[test]
fn names_only_metrics_and_labels_that_exist() {
    let (metrics, dashboard) = (Metrics::documented(), dashboard());
    let mut queries = Vec::new();
    having(&dashboard, "expr", &mut queries);
    assert!(queries.len() > 40, "{}", queries.len());
    for query in queries {
        let expression = text(query, "expr");
        assert_eq!(metrics.mistakes(expression), [""; 0], "{expression}");
        let legend = query["legendFormat"].as_str().unwrap_or_default();
        for label in legend.split("{{").skip(1) {
            let label = label.split_once("}}").unwrap().0;
            assert!(
                metrics.results_have(expression, label),
                "{legend} of {expression}"
            );
        }
    }
}

#[test]
fn its_variables_exist_and_read_labels_that_exist() {
    let (metrics, dashboard) = (Metrics::documented(), dashboard());
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let known: BTreeSet<&str> = variables.iter().map(|variable| text(variable, "name")).collect();
    assert_eq!(
        known,
        BTreeSet::from(["datasource", "instance", "sink", "source"])
    );
    for variable in variables.iter().filter(|variable| variable["type"] == "query") {
        let query = text(variable, "definition");
        assert_eq!(query, text(&variable["query"], "query"));
        let inner = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'));
        let (series, label) = inner.unwrap().rsplit_once(", ").unwrap();
        assert_eq!(metrics.mistakes(series), [""; 0], "{query}");
        let metric = series.split('{').next().unwrap();
        assert!(metrics.has(metric, label), "{query}");
    }
    for used in FILE.split('$').skip(1) {
        let used = used.trim_start_matches('{');
        let end = used.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &used[..end.unwrap()];
        assert!(name.starts_with("__") || known.contains(name), "${name}");
    }
}

#[test]
fn its_panels_say_what_they_show_and_do_not_overlap() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = text(panel, "title");
        if panel["type"] != "row" {
            assert!(!text(panel, "description").is_empty(), "{title}");
        }
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title} lies over another panel");
            }
        }
    }
}
