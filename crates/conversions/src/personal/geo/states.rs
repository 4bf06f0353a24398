//! The states of the United States, the District of Columbia and the territories, read from `states.tsv`.

use std::sync::LazyLock;

/// A state, district or territory of the United States.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// Two letters, upper case, as the Postal Service and ISO 3166-2:US have them.
    pub code: &'static str,
    names: &'static str,
}

impl State {
    /// Names in their usual spelling.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.names.split('\t')
    }

    fn read(line: &'static str) -> Option<State> {
        let (code, names) = line.split_once('\t')?;
        Some(State { code, names })
    }
}

/// One line per state: code, names.
pub(super) const TABLE: &str = include_str!("states.tsv");

/// The fifty states, the district, and the territories.
pub static STATES: LazyLock<Vec<State>> = LazyLock::new(|| TABLE.lines().filter_map(State::read).collect());

/// Returns the code itself if a text is one, in either letter case.
pub(super) fn by_code(code: &str) -> Option<&'static str> {
    let found = STATES
        .iter()
        .find(|state| state.code.eq_ignore_ascii_case(code))?;
    Some(found.code)
}
