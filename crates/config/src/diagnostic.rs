//! Diagnostics about a configuration file: each finding with its place, all of them together.
//!
//! A diagnostic names the path and the kind of a mistake and never shows a value of the file: any value may be a token in
//! the wrong place.

use std::fmt;
use std::sync::Arc;

use signalbox_core::escape::{plain, plain_lines};

/// A place in the configuration file, as editors count: both from 1, columns in characters (not bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One finding. Its `Display` is
///
/// ```text
/// sinks.pin.retry.attempt: unknown field 'attempt', expected one of attempts, for (did you mean 'attempts'?)
///   --> p.toml:6:1
///   help: what to do about it, when there is more to say
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The full dotted path of the setting, such as `sinks.pin.mappings[2].fields`; empty when the finding is about
    /// the file as a whole.
    pub path: String,
    /// The mistake.
    pub message: String,
    /// The remedy, when the message alone does not say it.
    pub help: Option<String>,
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// The place in the file; `None` when the file could not be read at all.
    pub position: Option<Position>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", plain(&self.path))?;
        }
        write!(f, "{}\n  --> {}", plain_lines(&self.message), plain(&self.file))?;
        if let Some(position) = self.position {
            write!(f, ":{position}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", plain_lines(help))?;
        }
        Ok(())
    }
}

/// Everything found wrong with one file, in the order of the file. Never empty when it is returned as an error.
///
/// `Display` prints every finding, a blank line after each, and closes with their count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    file: Arc<str>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Sorts the findings by place; findings of one place keep the order in which they were made.
    #[must_use]
    pub fn new(file: Arc<str>, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|one| one.position);
        Self { file, list }
    }

    /// Returns the findings, sorted by place.
    #[must_use]
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Returns the number of findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns true if there is no finding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.list {
            write!(f, "{one}\n\n")?;
        }
        match self.list.len() {
            1 => write!(f, "1 error in {}", self.file),
            n => write!(f, "{n} errors in {}", self.file),
        }
    }
}

impl std::error::Error for Diagnostics {}

/// A finding without file and position, as the parts of the loader pass it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// Byte offset into the text of the file.
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Finding {
    pub(crate) fn new(path: impl Into<String>, at: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            at,
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
