//! Loading: from the text of a file to a [`LoadedConfig`].

use std::path::Path;
use std::sync::Arc;

use signalbox_core::PluginKind;
use toml::de::DeTable;

use super::check::{self, Component};
use super::component::{Components, component};
use super::diagnostic::{Diagnostic, Diagnostics, Finding};
use super::interpolate::{Environment, interpolate};
use super::loaded::LoadedConfig;
use super::origin::{Lines, Origin, place};
use super::outline::outlines;
use super::section::{Sections, sections};
use super::tree::{TomlEntry, TomlNode, TomlValue};
use super::{nodes, schema, syntax, tree, walk};

/// Reads and loads a configuration file. `path` is shown in diagnostics as it is given.
///
/// # Errors
/// All mistakes in the file, or the reason why it cannot be read.
pub fn load_file(path: &Path, environment: &dyn Environment) -> Result<LoadedConfig, Diagnostics> {
    load(&path.display().to_string(), &read_file(path)?, environment)
}

/// Reads the text of a file.
pub(super) fn read_file(path: &Path) -> Result<String, Diagnostics> {
    let name = path.display().to_string();
    let file: Arc<str> = name.as_str().into();
    let whole = |message: String, help: &str, position| {
        let (path, help) = (String::new(), Some(help.to_owned()));
        let one = Diagnostic {
            path,
            message,
            help,
            file: Arc::clone(&file),
            position,
        };
        Diagnostics::new(Arc::clone(&file), vec![one])
    };
    let bytes = std::fs::read(path).map_err(|error| {
        whole(
            format!("the file cannot be read: {error}"),
            "check the path and its permissions",
            None,
        )
    })?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let good = bytes
                .get(..error.valid_up_to())
                .and_then(|good| std::str::from_utf8(good).ok());
            let good = good.unwrap_or("");
            let position = Some(Lines::new(good).position(good.len()));
            Err(whole(
                "the file is not UTF-8".to_owned(),
                "save it as UTF-8",
                position,
            ))
        }
    }
}

/// Loads a configuration from `text`; `file` is its name in diagnostics.
///
/// # Errors
/// All syntax errors if there are any; otherwise all unknown and missing keys, at least one wrong value for each component,
/// and every name without a component.
pub fn load(file: &str, text: &str, environment: &dyn Environment) -> Result<LoadedConfig, Diagnostics> {
    let file: Arc<str> = file.into();
    let lines = Lines::new(text);
    let fail = |findings: Vec<Finding>| Diagnostics::new(Arc::clone(&file), place(findings, &file, &lines));

    let (mut root, mut findings) = parse(text, &lines).map_err(fail)?;
    if root.entries().is_empty() && findings.is_empty() {
        return Err(fail(vec![Finding::new("", 0, "the file defines nothing").help(
            "a pipeline needs a source and a sink; 'signalbox init' writes one to start from",
        )]));
    }
    let mut warnings = Vec::new();
    interpolate(&mut root, text, environment, &mut findings, &mut warnings);
    unknown_tables(&root, &mut findings);

    let Sections {
        journal,
        dead_letters,
        history,
        admin,
        alerts,
        telemetry,
        shutdown,
    } = sections(&root, &mut findings, &mut warnings);
    let mut components = Components::default();
    let mut parts = Vec::new();
    for kind in [PluginKind::Source, PluginKind::Transform, PluginKind::Sink] {
        for entry in tables(&root, kind, &mut findings) {
            parts.push(Component { kind, entry });
            component(kind, entry, &lines, &mut components, &mut findings);
        }
    }
    findings.extend(check::names(&root, &parts, &lines));
    nodes::check(&root, &journal, &components.sources, &mut findings, &mut warnings);

    if !findings.is_empty() {
        return Err(fail(findings));
    }
    Ok(LoadedConfig {
        journal,
        dead_letters,
        history,
        admin,
        alerts,
        telemetry,
        shutdown,
        components: outlines(
            &root,
            &components.sources,
            &components.transforms,
            &components.sinks,
        ),
        sources: components.sources,
        transforms: components.transforms,
        sinks: components.sinks,
        warnings: place(warnings, &file, &lines),
        origin: Origin::new(file, &root, &lines),
    })
}

/// The stack of the parsing thread, in bytes.
const PARSER_STACK: usize = 64 << 20;

/// Parses in a thread with a large stack. The TOML parser bounds nesting and dotted keys separately; their product is
/// about six thousand levels, which it frees by recursion. The resulting tree is bounded.
pub(super) fn parse(text: &str, lines: &Lines<'_>) -> Result<(TomlNode, Vec<Finding>), Vec<Finding>> {
    let work = || {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut findings = Vec::new();
        // After a syntax error, skip validation: the recovered tree is a guess.
        if errors.is_empty() {
            Ok((tree::build(table, &mut findings), findings))
        } else {
            Err(errors)
        }
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("toml".to_owned())
            .stack_size(PARSER_STACK);
        match thread.spawn_scoped(scope, work).map(|running| running.join()) {
            Ok(Ok(parsed)) => parsed.map_err(|errors| syntax::findings(&errors, text, lines)),
            Ok(Err(_)) => Err(vec![Finding::new("", 0, "the TOML parser failed on this file")]),
            Err(error) => Err(vec![Finding::new(
                "",
                0,
                format!("no thread to parse the file in: {error}"),
            )]),
        }
    })
}

fn unknown_tables(root: &TomlNode, findings: &mut Vec<Finding>) {
    let known: Vec<&str> = (schema::sections().iter().map(|(name, _)| *name))
        .chain(["sources", "transforms", "sinks"])
        .collect();
    for entry in root
        .entries()
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()))
    {
        findings.push(walk::unknown_field(
            &entry.node.path,
            entry.at,
            &entry.key,
            &known,
        ));
    }
}

/// Returns the tables of a kind's components, and reports entries that are not tables.
pub(super) fn tables<'t>(
    root: &'t TomlNode,
    kind: PluginKind,
    findings: &mut Vec<Finding>,
) -> Vec<&'t TomlEntry> {
    let name = schema::table_of(kind);
    let Some(all) = root.get(name) else {
        return Vec::new();
    };
    let mut wrong = |node: &TomlNode, help: String| {
        let message = format!("expected a table, found {}", node.kind());
        findings.push(Finding::new(&node.path, node.at, message).help(help));
    };
    let TomlValue::Table(entries) = &all.node.value else {
        wrong(
            &all.node,
            format!("give each {} a table of its own: [{name}.NAME]", kind.name()),
        );
        return Vec::new();
    };
    for entry in entries {
        match &entry.node.value {
            TomlValue::Table(_) => {}
            TomlValue::List(_) => wrong(
                &entry.node,
                format!("write [{}] in single brackets", entry.node.path),
            ),
            _ => wrong(
                &entry.node,
                format!("give each {} a table of its own: [{name}.NAME]", kind.name()),
            ),
        }
    }
    entries
        .iter()
        .filter(|entry| matches!(entry.node.value, TomlValue::Table(_)))
        .collect()
}
