//! The parts of a pipeline file that operators' commands read: `[journal]`, `[dead_letters]`, `[history]`,
//! `[admin]` and names. Missing
//! secrets and mistakes elsewhere in the file do not stop these commands.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signalbox_core::{PluginKind, Secret};

use super::diagnostic::{Diagnostics, Finding};
use super::interpolate::{Environment, interpolate};
use super::load::{parse, read_file, tables};
use super::origin::{Lines, place};
use super::section::sections;
use super::settings::{AdminSettings, DeadLetterSettings, HistorySettings, JournalSettings, Role};
use super::tree::{TextState, TomlEntry, TomlNode, TomlText, TomlValue};

/// The tables that operators' commands read.
const TABLES: [&str; 4] = ["journal", "dead_letters", "history", "admin"];

/// A pipeline file as operators' commands need it.
#[derive(Debug)]
pub struct OperatorSettings {
    /// `[journal]`
    pub journal: JournalSettings,
    /// `[dead_letters]`, or its defaults if the table cannot be read.
    pub dead_letters: DeadLetterSettings,
    /// `[history]`, or the settings of a file without the table; `None` if there is no history, or the table cannot be read.
    pub history: Option<HistorySettings>,
    /// `[admin]`; without it no command can ask a running router.
    pub admin: Option<AdminAddress>,
    /// Names of the sources.
    pub sources: Vec<String>,
    /// Names of the sinks.
    pub sinks: Vec<String>,
    /// Names of those sinks whose table says `enabled = false`.
    pub disabled: Vec<String>,
    /// True if the rest of the file is not TOML.
    pub broken: bool,
}

/// The address at which commands ask a running router.
#[derive(Debug)]
pub struct AdminAddress {
    /// The address.
    pub listen: SocketAddr,
    /// The token with most rights that can be read, if one is set; an error tells why none is known, and what to do.
    pub token: Result<Option<Secret>, String>,
    /// The file of the router's certificate, if it speaks HTTPS.
    pub certificate: Option<PathBuf>,
}

/// Reads these settings of a file.
///
/// # Errors
/// The mistakes in `[journal]` or `[admin]`, or the reason why the file cannot be read.
pub fn load_for_operators(
    path: &Path,
    environment: &dyn Environment,
) -> Result<OperatorSettings, Diagnostics> {
    let text = read_file(path)?;
    settings(&path.display().to_string(), &text, environment)
}

fn settings(file: &str, text: &str, environment: &dyn Environment) -> Result<OperatorSettings, Diagnostics> {
    let file: Arc<str> = file.into();
    let lines = Lines::new(text);
    let fail = |findings: Vec<Finding>| Diagnostics::new(Arc::clone(&file), place(findings, &file, &lines));
    let (mut root, broken) = match parse(text, &lines) {
        // Commands that read the whole file report excessive nesting and duplicate keys.
        Ok((root, _)) => (root, false),
        Err(findings) => match parse(&only_known_tables(text), &lines) {
            Ok((root, _)) => (root, true),
            Err(_) => return Err(fail(findings)),
        },
    };
    let names = |kind| -> Vec<String> {
        let entries = tables(&root, kind, &mut Vec::new());
        entries.into_iter().map(|entry| entry.key.clone()).collect()
    };
    let is_disabled = |entry: &&TomlEntry| {
        let enabled = entry.node.get("enabled").map(|enabled| &enabled.node.value);
        matches!(enabled, Some(TomlValue::Bool(false)))
    };
    let disabled = tables(&root, PluginKind::Sink, &mut Vec::new()).into_iter();
    let disabled = disabled
        .filter(is_disabled)
        .map(|entry| entry.key.clone())
        .collect();
    let (sources, sinks) = (names(PluginKind::Source), names(PluginKind::Sink));
    if let TomlValue::Table(entries) = &mut root.value {
        entries.retain(|entry| TABLES.contains(&entry.key.as_str()));
    }
    let mut findings = Vec::new();
    interpolate(&mut root, text, environment, &mut findings, &mut Vec::new());
    let unresolved = set_tokens_aside(&mut root, &mut findings);
    let read = sections(&root, &mut findings, &mut Vec::new());
    findings
        .retain(|finding| !finding.path.starts_with("dead_letters") && !finding.path.starts_with("history"));
    if !findings.is_empty() {
        return Err(fail(findings));
    }
    let admin = read.admin.map(|admin| AdminAddress {
        listen: admin.listen,
        token: token(&admin, unresolved),
        certificate: admin.tls.map(|tls| tls.certificate),
    });
    Ok(OperatorSettings {
        journal: read.journal,
        dead_letters: read.dead_letters,
        history: read.history,
        admin,
        sources,
        sinks,
        disabled,
        broken,
    })
}

/// Removes the findings about unreadable tokens and returns them by their paths: a token matters only if a router asks for it.
fn set_tokens_aside(root: &mut TomlNode, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let mut unresolved = BTreeMap::new();
    for node in token_nodes(root) {
        let failed = matches!(&node.value, TomlValue::Text(text) if text.state == TextState::Failed);
        let at = findings.iter().position(|finding| finding.path == node.path);
        let Some(at) = at.filter(|_| failed) else {
            continue;
        };
        let finding = findings.remove(at);
        // Tokens must differ from each other.
        let placeholder = format!("unknown-{at}-{}", unresolved.len());
        node.value = TomlValue::Text(TomlText::new(placeholder, TextState::Literal));
        let help = finding.help.map(|help| format!("; {help}")).unwrap_or_default();
        let told = format!("{}: {}{help}", finding.path, finding.message);
        unresolved.insert(finding.path, told);
    }
    unresolved
}

/// Returns the values of `token` and of `tokens` in `[admin]`.
fn token_nodes(root: &mut TomlNode) -> Vec<&mut TomlNode> {
    fn keys(node: &mut TomlNode) -> impl Iterator<Item = &mut TomlEntry> {
        match &mut node.value {
            TomlValue::Table(entries) => entries.iter_mut(),
            _ => [].iter_mut(),
        }
    }
    let mut nodes = Vec::new();
    for entry in keys(root).filter(|entry| entry.key == "admin") {
        for entry in keys(&mut entry.node) {
            if entry.key == "token" {
                nodes.push(&mut entry.node);
            } else if entry.key == "tokens"
                && let TomlValue::List(items) = &mut entry.node.value
            {
                let tokens = items
                    .iter_mut()
                    .flat_map(keys)
                    .filter(|entry| entry.key == "token");
                nodes.extend(tokens.map(|entry| &mut entry.node));
            }
        }
    }
    nodes
}

/// Chooses the token of commands: the first readable one of `token`, the operators and the readers.
fn token(admin: &AdminSettings, mut unresolved: BTreeMap<String, String>) -> Result<Option<Secret>, String> {
    let first = admin.token.iter().map(|token| ("admin.token".to_owned(), token));
    let of_role = |role| {
        let tokens = admin.tokens.iter().enumerate();
        let tokens = tokens.filter(move |(_, token)| token.role == role);
        tokens.map(|(n, token)| (format!("admin.tokens[{n}].token"), &token.token))
    };
    let mut why = None;
    for (path, token) in first.chain(of_role(Role::Operator)).chain(of_role(Role::Read)) {
        match unresolved.remove(&path) {
            None => return Ok(Some(token.clone())),
            Some(problem) => why = why.or(Some(problem)),
        }
    }
    why.map_or(Ok(None), Err)
}

/// Blanks everything but the known tables and the headers of components, so that line and column numbers stay the same.
/// Used for files in which something else is not TOML.
fn only_known_tables(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    // Lines before the first header may be keys of a known table.
    let mut keeps = true;
    for line in text.split_inclusive('\n') {
        let header = line
            .strip_prefix('[')
            .filter(|header| !header.starts_with('['))
            .and_then(|header| header.split_once(']'));
        let mut only_header = false;
        if let Some((name, _)) = header {
            let (table, rest) = name.split_once('.').unwrap_or((name, ""));
            keeps = TABLES.contains(&table.trim());
            // The header of a table within a component names no further component.
            only_header =
                matches!(table.trim(), "sources" | "sinks") && !rest.is_empty() && !rest.contains('.');
        } else if let Some(header) = line.strip_prefix("[[") {
            // Such as the tokens of `[admin]`.
            let table = header.split(['.', ']']).next().unwrap_or(header);
            keeps = TABLES.contains(&table.trim());
        }
        if keeps || only_header {
            kept.push_str(line);
        } else {
            kept.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JournalKind;

    struct Nothing;

    impl Environment for Nothing {
        fn variable(&self, _: &str) -> Result<Option<String>, String> {
            Ok(None)
        }

        fn file(&self, _: &str) -> Result<String, String> {
            Err("no such file".to_owned())
        }
    }

    const FILE: &str = r#"
[journal]
path = "here"
[admin]
listen = "127.0.0.1:9464"
token = "${file:/secret}"
[sources.web]
type = "segment_http"
write_keys = ["${KEY}"]
[sinks.pin]
type = "no such plugin"
inputs = ["wbe"]
enabled = false
unknown = 3
"#;

    fn read(text: &str) -> OperatorSettings {
        settings("p.toml", text, &Nothing).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn secrets_and_mistakes_elsewhere_do_not_matter() {
        let read = read(FILE);
        assert_eq!(read.journal.folder(), Path::new("here"));
        assert_eq!(
            (read.sources, read.sinks),
            (vec!["web".to_owned()], vec!["pin".to_owned()])
        );
        assert_eq!(read.disabled, ["pin"]);
        assert!(!read.broken);
        let admin = read.admin.unwrap();
        assert_eq!(admin.listen.port(), 9464);
        let why = admin.token.unwrap_err();
        assert!(
            why.starts_with("admin.token: the file \"/secret\" cannot be read: no such file; "),
            "{why}"
        );
    }

    #[test]
    fn the_token_with_most_rights_that_can_be_read_is_chosen() {
        let entry = |role: &str, token: &str| {
            format!("[[admin.tokens]]\nname = \"{role}\"\nrole = \"{role}\"\ntoken = \"{token}\"\n")
        };
        let chosen = |tokens: &str| {
            let text = FILE.replace("token = \"${file:/secret}\"\n", tokens);
            let token = read(&text).admin.unwrap().token;
            token.map(|token| token.map(|token| token.expose().to_owned()))
        };
        let (reader, operator) = (entry("read", "r"), entry("operator", "o"));
        assert_eq!(chosen(""), Ok(None));
        assert_eq!(chosen(&reader), Ok(Some("r".to_owned())));
        assert_eq!(chosen(&format!("{reader}{operator}")), Ok(Some("o".to_owned())));
        assert_eq!(
            chosen(&format!("token = \"t\"\n{reader}{operator}")),
            Ok(Some("t".to_owned()))
        );
        // Unreadable ones count only if no other can be read.
        let unknown = "token = \"${file:/secret}\"\n";
        assert_eq!(chosen(&format!("{unknown}{operator}")), Ok(Some("o".to_owned())));
        let (a, b) = (entry("operator", "${A}"), entry("read", "${B}"));
        assert_eq!(chosen(&format!("{a}{reader}")), Ok(Some("r".to_owned())));
        let why = chosen(&format!("{b}{a}")).unwrap_err();
        assert!(why.starts_with("admin.tokens[1].token: "), "{why}");
        // A file that is otherwise no TOML loses none of them.
        let broken = format!("{operator}[sinks.other]\nx = y z\n");
        assert_eq!(chosen(&broken), Ok(Some("o".to_owned())));
    }

    #[test]
    fn a_component_that_is_no_toml_does_not_matter() {
        for spoilt in [
            "type = segment",
            "keys = \"\"\"",
            "[sinks.pin",
            "[[sinks.pin.mappings]]\nx",
        ] {
            let text = FILE.replace("type = \"segment_http\"", spoilt);
            let read = read(&text);
            assert!(read.broken);
            assert_eq!(read.journal.folder(), Path::new("here"), "{spoilt}");
            assert_eq!(read.sources, ["web"], "{spoilt}");
        }
        // A mistake may also swallow the rest of the file.
        let (journal, rest) = FILE.split_once("[sources.web]").unwrap();
        let read = read(&format!(
            "[sources.web]{}{journal}",
            rest.replace("\"segment_http\"", "'''")
        ));
        assert_eq!(
            (read.journal.folder().as_path(), read.broken),
            (Path::new("here"), true)
        );
    }

    #[test]
    fn what_is_wrong_with_the_journal_or_the_address_is_told() {
        for (from, to, told) in [
            ("path = \"here\"", "path = \"${FOLDER}\"", "'FOLDER' is not set"),
            ("path = \"here\"", "pth = \"here\"", "unknown field 'pth'"),
            ("path = \"here\"", "path = here", "not TOML"),
            (
                "127.0.0.1:9464",
                "nowhere",
                "admin.listen: expected an IP address",
            ),
        ] {
            let errors = settings("p.toml", &FILE.replace(from, to), &Nothing).unwrap_err();
            assert!(errors.to_string().contains(told), "{to}: {errors}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_router() {
        let read = read("[sources.a]\n[dead_letters]\nmax_bytes = 3\n");
        assert_eq!(
            (read.journal.kind, read.admin.is_none()),
            (JournalKind::Disk, true)
        );
        assert_eq!(read.dead_letters, DeadLetterSettings::default());
    }
}
