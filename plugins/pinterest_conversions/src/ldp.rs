//! Limited Data Processing: the three fields that say so, together or not at all.

use signalbox_conversions::personal::geo;
use signalbox_core::{LimitedDataProcessing, Sha256Hex};
use signalbox_segment::value::Value;

use crate::options::LdpHashCase;

/// Returns true if a list of flags, joined by commas, has `LDP`.
pub(crate) fn asks_for_ldp(opt_out_type: &str) -> bool {
    opt_out_type
        .split(',')
        .any(|flag| flag.trim().eq_ignore_ascii_case("ldp"))
}

/// Writes the flags with `LDP` among them.
pub(crate) fn with_ldp(opt_out_type: Option<&str>, out: &mut String) {
    out.clear();
    match opt_out_type.map(str::trim).filter(|flags| !flags.is_empty()) {
        Some(flags) if asks_for_ldp(flags) => out.push_str(flags),
        Some(flags) => {
            out.push_str(flags);
            out.push_str(",LDP");
        }
        None => out.push_str("LDP"),
    }
}

/// State and country of a user that opted out, as they are sent.
pub(crate) struct Codes {
    state: [Sha256Hex; 2],
    country: [Sha256Hex; 2],
    case: LdpHashCase,
}

impl Codes {
    pub(crate) fn of(fact: &LimitedDataProcessing, case: LdpHashCase) -> Codes {
        Codes::new(&fact.state, &fact.country, case)
    }

    /// The codes of mapped values, if both are known: a mapping that sets the flag itself gets the same hashes.
    pub(crate) fn of_mapped(state: Value<'_>, country: Value<'_>, case: LdpHashCase) -> Option<Codes> {
        let state = single(state).and_then(geo::state_code)?;
        let country = single(country).and_then(geo::country_code)?;
        Some(Codes::new(state, country, case))
    }

    fn new(state: &str, country: &str, case: LdpHashCase) -> Codes {
        let both = |code: &str| {
            [
                Sha256Hex::of(&code.to_ascii_lowercase()),
                Sha256Hex::of(&code.to_ascii_uppercase()),
            ]
        };
        Codes {
            state: both(state),
            country: both(country),
            case,
        }
    }

    pub(crate) fn state(&self) -> &[Sha256Hex] {
        self.pick(&self.state)
    }

    pub(crate) fn country(&self) -> &[Sha256Hex] {
        self.pick(&self.country)
    }

    fn pick<'a>(&self, both: &'a [Sha256Hex; 2]) -> &'a [Sha256Hex] {
        match self.case {
            LdpHashCase::Both => both,
            LdpHashCase::Lower => &both[..1],
            LdpHashCase::Upper => &both[1..],
        }
    }
}

fn single(value: Value<'_>) -> Option<&str> {
    match value.array_len() {
        1 => value.index(0).as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_added_once() {
        let mut out = String::new();
        for (given, sent) in [
            (None, "LDP"),
            (Some(""), "LDP"),
            (Some("LDP"), "LDP"),
            (Some("X, ldp"), "X, ldp"),
            (Some("X"), "X,LDP"),
            (Some("LDPX"), "LDPX,LDP"),
        ] {
            with_ldp(given, &mut out);
            assert_eq!(out, sent);
        }
    }
}
