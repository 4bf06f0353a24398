//! `plugins`, `schema`, `--help`, and what typetag knows.

use std::path::{Path, PathBuf};

use serde_json::Value;
use signalbox_core::{PluginKind, plugins};

use super::signalbox;
use crate::support::world::World;

#[tokio::test]
async fn plugins_lists_what_is_linked() {
    let exit = signalbox(&["plugins"]).await;
    assert_eq!(exit.code, Some(0));
    let listed: Vec<(&str, &str)> = exit
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    let linked: Vec<(&str, &str)> = plugins()
        .iter()
        .map(|plugin| (plugin.kind.name(), plugin.name))
        .collect();
    assert_eq!(listed, linked);
    assert!(linked.len() >= 9, "{linked:?}");
}

#[tokio::test]
async fn each_plugin_shows_its_settings() {
    for plugin in plugins() {
        let exit = signalbox(&["plugins", plugin.name]).await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
        assert!(exit.stdout.contains(plugin.summary), "{exit:?}");
        let schema = (plugin.schema)().to_value();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, setting) in schema["properties"].as_object().into_iter().flatten() {
            let heading = exit
                .stdout
                .lines()
                .find(|line| line.starts_with(&format!("  {name} (")));
            let heading = heading.unwrap_or_else(|| panic!("{name}: {}", exit.stdout));
            assert_eq!(
                heading.contains("(required)"),
                required.contains(&name.as_str()),
                "{heading}"
            );
            let first = setting["description"].as_str().unwrap().lines().next().unwrap();
            assert!(exit.stdout.contains(first), "{name}: {}", exit.stdout);
        }
    }
    let exit = signalbox(&["plugins", "carrier_pigeon"]).await;
    assert_eq!(exit.code, Some(64));
    assert!(
        exit.stderr
            .contains("there is no plugin 'carrier_pigeon'; there are file, "),
        "{exit:?}"
    );
}

/// A pipeline file may name exactly the types that `plugins` lists, kind by kind.
#[tokio::test]
async fn an_unknown_type_is_told_exactly_what_is_listed() {
    let world = World::new().await;
    let text = "[sources.a]\ntype = \"zzzz\"\nthrough = [\"t\"]\n[transforms.t]\ntype = \"zzzz\"\n\
                [sinks.b]\ntype = \"zzzz\"\ninputs = [\"a\"]\n";
    let config = world.write("p.toml", text);
    let exit = signalbox(&["validate", "--config", config.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(3));
    for kind in [PluginKind::Source, PluginKind::Transform, PluginKind::Sink] {
        let names: Vec<&str> = plugins()
            .iter()
            .filter(|plugin| plugin.kind == kind)
            .map(|plugin| plugin.name)
            .collect();
        let wanted = format!(
            "unknown type of {}, expected one of {}\n",
            kind.name(),
            names.join(", ")
        );
        assert!(exit.stderr.contains(&wanted), "{wanted}{}", exit.stderr);
    }
}

#[tokio::test]
async fn the_schema_fits_the_examples() {
    let exit = signalbox(&["schema"]).await;
    assert_eq!(exit.code, Some(0));
    let schema: Value = serde_json::from_str(&exit.stdout).unwrap();
    for path in example_files() {
        let document: toml::Value = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let document = serde_json::to_value(document).unwrap();
        if let Err(problem) = fits(&schema, &schema, &document, "") {
            panic!("{}: {problem}", path.display());
        }
        // Keys that are not there are noticed: the check above is no formality.
        let mut misspelt = document.clone();
        misspelt["sinks"]
            .as_object_mut()
            .unwrap()
            .values_mut()
            .next()
            .unwrap()["inputz"] = 1.into();
        assert!(
            fits(&schema, &schema, &misspelt, "").is_err(),
            "{}",
            path.display()
        );
    }
}

pub(super) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The pipeline files among the examples that this build can run.
pub(super) fn example_files() -> Vec<PathBuf> {
    let paths = std::fs::read_dir(examples()).unwrap();
    let mut files: Vec<PathBuf> = paths.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let all = files.len();
    if cfg!(not(feature = "nats")) {
        files.retain(|path| !path.ends_with("nats.toml"));
        println!("skipped in a build without the feature nats: nats.toml");
        assert_eq!(files.len(), all - 1);
    }
    assert!(files.len() >= 3);
    files
}

/// The part of JSON Schema that our schema uses.
fn fits(root: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    match schema {
        Value::Bool(true) => return Ok(()),
        Value::Bool(false) => return Err(format!("{path}: not allowed")),
        _ => {}
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root
            .pointer(reference.trim_start_matches('#'))
            .ok_or(format!("no {reference}"))?;
        fits(root, target, value, path)?;
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        return Err(format!("{path}: not {constant}"));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|choices| !choices.contains(value))
    {
        return Err(format!("{path}: none of the choices"));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[key].as_array() {
            let fitting = choices.iter().map(|choice| fits(root, choice, value, path));
            let errors: Vec<String> = fitting.clone().filter_map(Result::err).collect();
            if errors.len() == choices.len() {
                return Err(errors.join(" / "));
            }
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fits(root, part, value, path)?;
    }
    if let Some(condition) = schema.get("if") {
        let branch = if fits(root, condition, value, path).is_ok() {
            "then"
        } else {
            "else"
        };
        fits(
            root,
            schema.get(branch).unwrap_or(&Value::Bool(true)),
            value,
            path,
        )?;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let named = |wanted: &Value| wanted == kind || (wanted == "number" && kind == "integer");
    let typed = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(named),
        wanted => named(wanted),
    };
    if !typed {
        return Err(format!("{path}: {kind} is not {}", schema["type"]));
    }
    if let Value::Array(items) = value {
        for (i, item) in items.iter().enumerate() {
            fits(
                root,
                schema.get("items").unwrap_or(&Value::Bool(true)),
                item,
                &format!("{path}[{i}]"),
            )?;
        }
    }
    if let Value::Object(members) = value {
        for required in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !members.contains_key(required) {
                return Err(format!("{path}: {required} is missing"));
            }
        }
        let open = Value::Bool(true);
        let rest = schema.get("additionalProperties").unwrap_or(&open);
        for (key, member) in members {
            let known = schema["properties"].get(key);
            fits(root, known.unwrap_or(rest), member, &format!("{path}.{key}"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn help_reads_well() {
    let exit = signalbox(&["--help"]).await;
    assert_eq!(exit.code, Some(0));
    for part in [
        "run",
        "validate",
        "dry-run",
        "sandbox",
        "demo",
        "plugins",
        "schema",
        "init",
        "keygen",
        "Exit codes:",
    ] {
        assert!(exit.stdout.contains(part), "{part}: {}", exit.stdout);
    }
    for command in [
        "run", "validate", "dry-run", "sandbox", "demo", "plugins", "schema", "init", "keygen",
    ] {
        let exit = signalbox(&[command, "--help"]).await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{command}");
    }
    for wrong in [
        &["fly"][..],
        &[],
        &["run"],
        &["run", "--confg", "x"],
        &["sandbox", "--listen", "nowhere"],
    ] {
        let exit = signalbox(wrong).await;
        assert_eq!(exit.code, Some(64), "{wrong:?} {exit:?}");
        assert!(!exit.stderr.is_empty());
    }
    let exit = signalbox(&["--version"]).await;
    assert_eq!(
        exit.stdout,
        concat!("signalbox ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    for arguments in [&["plugins"][..], &["schema"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = crate::support::process::command(arguments, &[]);
        let exit = crate::support::process::Process::spawn_into(&mut command, writer.into())
            .exit()
            .await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
