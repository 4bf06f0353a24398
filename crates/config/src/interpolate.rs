//! Interpolates `${VAR}`, `${VAR:-default}` and `${file:/path}` in strings, after parsing, so that no value becomes syntax.
//!
//! `$$` is a dollar sign, and so is a `$` before anything but `{` or `$`. Keys are left alone.

use std::io::Read;

use super::diagnostic::Finding;
use super::tree::{TextState, TomlNode, TomlText, TomlValue};

/// Most bytes that `${file:…}` reads: it is meant for secrets, not for data.
const LARGEST_FILE: u64 = 1 << 20;

/// The source of interpolated values: the process, or a table in tests.
pub trait Environment {
    /// Returns the variable's value, or `None` when it is not set.
    ///
    /// # Errors
    /// The reason why it cannot be used, without its value.
    fn variable(&self, name: &str) -> Result<Option<String>, String>;

    /// Returns the contents of a file.
    ///
    /// # Errors
    /// The reason why it cannot be read, without any of its contents.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// The environment and the files of this process. Files must be regular, UTF-8 and at most 1 MiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err("its value is not UTF-8".to_owned()),
        }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        // Opening a named pipe would wait for a writer, possibly without end.
        let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err(format!(
                "it is {}, not a regular file",
                kind(metadata.file_type())
            ));
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
            .map_err(|error| error.to_string())?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err("it is larger than 1 MiB".to_owned());
        }
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
    }
}

fn kind(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Returns true for a text that shells and other tools take for a variable: `$NAME` in capitals.
fn bare_variable(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let name = text.strip_prefix('$').unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && name.chars().all(is_of_name)
}

/// Replaces the references in every string under `node`. `text` is the file, to place findings at the reference itself.
pub(crate) fn interpolate(
    node: &mut TomlNode,
    text: &str,
    from: &dyn Environment,
    findings: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) {
    let (at, end) = (node.at, node.end);
    match &mut node.value {
        TomlValue::Text(leaf) if leaf.text.contains('$') => {
            warnings.extend(bare_variable(&leaf.text).then(|| {
                Finding::new(&node.path, at, "this is the text itself, not the value of a variable").help(
                    "a variable stands in braces, \"${NAME}\"; write \"$$\" for a dollar sign if the text is meant",
                )
            }));
            let mut place = Occurrences {
                path: &node.path,
                at,
                raw: text.get(at..end).unwrap_or(""),
                searched: 0,
            };
            *leaf = expand(&leaf.text, &mut place, from, findings);
        }
        TomlValue::List(items) => items
            .iter_mut()
            .for_each(|item| interpolate(item, text, from, findings, warnings)),
        TomlValue::Table(entries) => {
            entries
                .iter_mut()
                .for_each(|entry| interpolate(&mut entry.node, text, from, findings, warnings));
        }
        _ => {}
    }
}

/// The range of a string in the file, and the progress of finding its references there.
struct Occurrences<'a> {
    path: &'a str,
    at: usize,
    raw: &'a str,
    searched: usize,
}

impl Occurrences<'_> {
    /// Returns the offset of the next occurrence of `reference` in the text as written. A string with escapes may be written
    /// differently; then the place is that of the whole string.
    fn find(&mut self, reference: &str) -> usize {
        match self
            .raw
            .get(self.searched..)
            .and_then(|rest| rest.find(reference))
        {
            Some(found) => {
                let start = self.searched + found;
                self.searched = start + reference.len();
                self.at + start
            }
            None => {
                self.searched = self.raw.len();
                self.at
            }
        }
    }
}

fn expand(
    source: &str,
    place: &mut Occurrences<'_>,
    from: &dyn Environment,
    findings: &mut Vec<Finding>,
) -> TomlText {
    let mut out = String::with_capacity(source.len());
    let mut state = TextState::Literal;
    let mut files = Vec::new();
    let mut rest = source;
    while let Some(dollar) = rest.find('$') {
        let (before, tail) = rest.split_at(dollar);
        out.push_str(before);
        if let Some(after) = tail.strip_prefix("$$") {
            out.push('$');
            place.find("$$");
            rest = after;
        } else if let Some(after) = tail.strip_prefix("${") {
            let Some((inner, after)) = after.split_once('}') else {
                let at = place.find("${");
                findings.push(
                    Finding::new(place.path, at, "'${' without a closing '}'")
                        .help("write ${VARIABLE}, or $$ for a dollar sign"),
                );
                return TomlText::new(String::new(), TextState::Failed);
            };
            let at = place.find(tail.get(..inner.len() + 3).unwrap_or("${"));
            files.extend(file_of(inner).map(str::to_owned));
            match resolve(inner, from) {
                Ok(value) => {
                    out.push_str(&value);
                    if state == TextState::Literal {
                        state = TextState::Interpolated;
                    }
                }
                Err((message, help)) => {
                    findings.push(Finding::new(place.path, at, message).help(help));
                    state = TextState::Failed;
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = tail.get(1..).unwrap_or("");
        }
    }
    out.push_str(rest);
    TomlText {
        text: out,
        state,
        files,
    }
}

/// The file that a reference names.
fn file_of(inner: &str) -> Option<&str> {
    inner.strip_prefix("file:").filter(|path| !path.starts_with('-'))
}

/// Resolves the text between `${` and `}`; an error is a message and its remedy.
fn resolve(inner: &str, from: &dyn Environment) -> Result<String, (String, String)> {
    if let Some(path) = file_of(inner) {
        if path.is_empty() {
            return Err((
                "'${file:}' names no file".into(),
                "write ${file:/path/to/the/secret}".into(),
            ));
        }
        return match from.file(path) {
            Ok(mut content) => {
                if content.ends_with('\n') {
                    content.pop();
                    if content.ends_with('\r') {
                        content.pop();
                    }
                }
                Ok(content)
            }
            Err(why) => Err((
                format!("the file {path:?} cannot be read: {why}"),
                "name a regular file that the user signalbox runs as may read".into(),
            )),
        };
    }
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    if !is_variable(name) {
        return Err((
            "this is not the name of a variable: letters, digits and '_', not beginning with a digit".into(),
            "write ${VARIABLE}, ${VARIABLE:-default} or ${file:/path}; $$ for a dollar sign".into(),
        ));
    }
    match (from.variable(name), default) {
        (Ok(Some(value)), None) => Ok(value),
        (Ok(Some(value)), Some(_)) if !value.is_empty() => Ok(value),
        (Ok(_), Some(default)) => Ok(default.to_owned()),
        (Ok(None), None) => Err((
            format!("the environment variable '{name}' is not set"),
            format!("set {name}, or give a default: ${{{name}:-default}}"),
        )),
        (Err(why), _) => Err((
            format!("the environment variable '{name}' cannot be used: {why}"),
            format!("set {name} to a UTF-8 text"),
        )),
    }
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
