//! Noted values, for the rules over a whole event or request.

/// Noted values by the name of their property; an array of strings gives one entry for each item.
#[derive(Debug, Default)]
pub(crate) struct Facts(Vec<(&'static str, String)>);

impl Facts {
    pub(super) fn note(&mut self, name: &'static str, value: String) {
        self.0.push((name, value));
    }

    /// Returns the first value of the property, or the empty text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Returns all values of the property.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| *known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Returns true if the property has a value that is not empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).any(|value| !value.is_empty())
    }
}

/// Errors and warnings about one event.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    errors: Vec<String>,
    warnings: Vec<String>,
    /// The vendor's code of the first error that has one.
    pub(crate) code: Option<u32>,
}

/// Most messages of each kind about one event.
const MAX_MESSAGES: usize = 5;

impl Findings {
    pub(crate) fn error(&mut self, message: impl Into<String>) {
        push(&mut self.errors, message.into());
    }

    /// Puts an error before all others, since it tells most.
    pub(crate) fn first(&mut self, message: impl Into<String>) {
        self.errors.insert(0, message.into());
    }

    /// Adds an error that has a separate code at the vendor, before all others.
    pub(crate) fn coded(&mut self, code: u32, message: impl Into<String>) {
        self.code = Some(code);
        self.first(message);
    }

    pub(crate) fn warning(&mut self, message: impl Into<String>) {
        let message = message.into();
        if !self.warnings.contains(&message) {
            push(&mut self.warnings, message);
        }
    }

    /// Returns the errors and the warnings, each joined by semicolons.
    pub(super) fn texts(&self) -> (Option<String>, Option<String>) {
        (joined(&self.errors), joined(&self.warnings))
    }
}

fn push(messages: &mut Vec<String>, message: String) {
    if messages.len() < MAX_MESSAGES {
        messages.push(message);
    }
}

fn joined(messages: &[String]) -> Option<String> {
    (!messages.is_empty()).then(|| messages.join("; "))
}
