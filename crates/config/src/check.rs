//! Checks that the names in the file fit together. It reads the tree and not the settings, so that components with other
//! mistakes are checked too.

use std::collections::{BTreeMap, BTreeSet};

use signalbox_core::PluginKind;

use super::diagnostic::Finding;
use super::origin::Lines;
use super::schema::table_of;
use super::suggest;
use super::tree::{TextState, TomlEntry, TomlNode, TomlValue};

/// A component of the file.
pub(crate) struct Component<'t> {
    pub(crate) kind: PluginKind,
    pub(crate) entry: &'t TomlEntry,
}

/// Returns all findings about names.
pub(crate) fn names(root: &TomlNode, parts: &[Component<'_>], lines: &Lines<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in [PluginKind::Source, PluginKind::Sink] {
        let table = table_of(kind);
        let empty = root
            .get(table)
            .is_none_or(|entry| matches!(&entry.node.value, TomlValue::Table(entries) if entries.is_empty()));
        if empty {
            let at = root.get(table).map_or(0, |entry| entry.at);
            findings.push(
                Finding::new(table, at, format!("no {} is defined", kind.name())).help(format!(
                    "a pipeline needs at least one: add a table [{table}.NAME]"
                )),
            );
        }
    }
    let known = distinct(parts, lines, &mut findings);
    let mut references = References {
        known: &known,
        used: BTreeSet::new(),
        unclear: [false; 2],
        findings,
    };
    for part in parts {
        if part.kind == PluginKind::Sink {
            references.list(part, "inputs", PluginKind::Source);
        }
        if part.kind != PluginKind::Transform {
            references.list(part, "through", PluginKind::Transform);
        }
    }
    let mut findings = unused(parts, references);
    former(parts, lines, &known, &mut findings);
    findings
}

/// Checks the former names of components: no other component may have them now, or take them over.
fn former(
    parts: &[Component<'_>],
    lines: &Lines<'_>,
    known: &BTreeMap<&str, PluginKind>,
    findings: &mut Vec<Finding>,
) {
    let mut taken: BTreeMap<(PluginKind, &str), usize> = BTreeMap::new();
    for part in parts {
        let Some(node) = part.entry.node.get("was").map(|entry| &entry.node) else {
            continue;
        };
        // The typed reading reports values that are not strings.
        let TomlValue::Text(text) = &node.value else {
            continue;
        };
        if text.state == TextState::Failed {
            continue;
        }
        let old = text.text.as_str();
        if let Some(kind) = known.get(old) {
            let message = format!("there is still a {} of this name", kind.name());
            findings.push(Finding::new(&node.path, node.at, message).help(
                "'was' is the name that this component had before; take it out if it was never renamed",
            ));
        } else if let Some(at) = taken.insert((part.kind, old), node.at) {
            let message = format!("another {} takes over this name already", part.kind.name());
            findings.push(Finding::new(&node.path, node.at, message).help(format!(
                "its 'was' is at line {}; only one can go on where the old one stands",
                lines.position(at).line
            )));
        }
    }
}

/// Indexes the components by name. Names that are malformed or not unique are findings.
fn distinct<'t>(
    parts: &[Component<'t>],
    lines: &Lines<'_>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<&'t str, PluginKind> {
    let mut in_order: Vec<&Component<'t>> = parts.iter().collect();
    in_order.sort_by_key(|part| part.entry.at);
    let mut known: BTreeMap<&str, (PluginKind, usize)> = BTreeMap::new();
    for part in in_order {
        let (name, node) = (part.entry.key.as_str(), &part.entry.node);
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        {
            findings.push(
                Finding::new(&node.path, part.entry.at, "this name cannot be used").help(
                    "names are made of the letters a to z, digits, '_' and '-'; they become metric labels",
                ),
            );
        }
        match known.get(name) {
            None => {
                known.insert(name, (part.kind, node.at));
            }
            Some((kind, at)) => {
                let message = format!(
                    "'{}' is already the name of a {}",
                    name.escape_debug(),
                    kind.name()
                );
                findings.push(Finding::new(&node.path, node.at, message).help(format!(
                    "the {} is at line {}; every component needs a name of its own",
                    kind.name(),
                    lines.position(*at).line
                )));
            }
        }
    }
    known.into_iter().map(|(name, (kind, _))| (name, kind)).collect()
}

struct References<'k, 't> {
    known: &'k BTreeMap<&'t str, PluginKind>,
    used: BTreeSet<(PluginKind, String)>,
    /// True if a reference to a source, or to a transform, is unreadable: no component of that kind is called unused then.
    unclear: [bool; 2],
    findings: Vec<Finding>,
}

impl References<'_, '_> {
    fn unclear(&mut self, wanted: PluginKind) {
        self.unclear[usize::from(wanted == PluginKind::Transform)] = true;
    }

    /// Checks the references under `key`. Reading the settings reports values that are not lists of strings.
    fn list(&mut self, part: &Component<'_>, key: &str, wanted: PluginKind) {
        let node = &part.entry.node;
        let Some(list) = node.get(key).map(|entry| &entry.node) else {
            if key == "inputs" {
                self.unclear(wanted);
            }
            return;
        };
        let TomlValue::List(items) = &list.value else {
            return self.unclear(wanted);
        };
        if key == "inputs" && items.is_empty() {
            self.unclear(wanted);
            self.findings.push(
                Finding::new(&list.path, list.at, "a sink needs at least one input")
                    .help("name the sources whose events it shall get"),
            );
        }
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for item in items {
            match &item.value {
                TomlValue::Text(text) if text.state != TextState::Failed => {
                    if !seen.insert(&text.text) {
                        let message = format!("this {} is named twice", wanted.name());
                        self.findings.push(Finding::new(&item.path, item.at, message));
                    }
                    self.reference(item, &text.text, wanted);
                }
                _ => self.unclear(wanted),
            }
        }
    }

    fn reference(&mut self, item: &TomlNode, name: &str, wanted: PluginKind) {
        let finding = |message: String| Finding::new(&item.path, item.at, message);
        match self.known.get_key_value(name) {
            Some((_, kind)) if *kind == wanted => {
                self.used.insert((wanted, name.to_owned()));
            }
            Some((known, kind)) => {
                let message = format!(
                    "'{}' is a {}, not a {}",
                    known.escape_debug(),
                    kind.name(),
                    wanted.name()
                );
                let mut finding = finding(message);
                if *kind == PluginKind::Transform {
                    // The intention is clear, so neither side is reported as unused as well.
                    finding = finding.help("'inputs' names sources; name transforms in 'through'");
                    self.used.insert((*kind, name.to_owned()));
                    self.unclear(wanted);
                }
                self.findings.push(finding);
            }
            None => {
                let names: Vec<&str> = self
                    .known
                    .iter()
                    .filter(|(_, kind)| **kind == wanted)
                    .map(|(name, _)| *name)
                    .collect();
                let mut message = format!("there is no {} of this name", wanted.name());
                match names.as_slice() {
                    [] => {}
                    some => message.push_str(&suggest::expected(some.iter().copied())),
                }
                message.push_str(&suggest::hint(name, names.iter().copied()));
                // The suggested name is not reported as unused as well.
                if let Some(meant) = signalbox_core::nearest(name, names.iter().copied()) {
                    self.used.insert((wanted, meant.to_owned()));
                }
                self.findings.push(finding(message));
            }
        }
    }
}

fn unused(parts: &[Component<'_>], references: References<'_, '_>) -> Vec<Finding> {
    let References {
        used,
        unclear,
        mut findings,
        ..
    } = references;
    let no_sinks = !parts.iter().any(|part| part.kind == PluginKind::Sink);
    for part in parts {
        let (name, node) = (&part.entry.key, &part.entry.node);
        let (message, place) = match part.kind {
            PluginKind::Source if !unclear[0] && !no_sinks => {
                ("no sink takes the events of this source", "'inputs' of a sink")
            }
            PluginKind::Transform if !unclear[1] => (
                "no source or sink uses this transform",
                "'through' of a source or a sink",
            ),
            _ => continue,
        };
        if !used.contains(&(part.kind, name.clone())) {
            let help = format!("name it in {place}, or take it out");
            findings.push(Finding::new(&node.path, node.at, message).help(help));
        }
    }
    findings
}
