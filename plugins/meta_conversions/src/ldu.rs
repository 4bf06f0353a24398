//! Limited Data Use: the options that ask for it, with the codes of country and state.

use signalbox_conversions::encode::Object;
use signalbox_conversions::key;
use signalbox_core::LimitedDataProcessing;

/// A country and a state in Meta's codes. They stand together: Meta refuses a country without a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) country: i64,
    pub(crate) state: i64,
}

/// Meta places the person by the IP address, which the event must have.
pub(crate) const BY_ADDRESS: Place = Place { country: 0, state: 0 };

const US: i64 = 1;

/// The states with a privacy law that Meta has a code for ("Data Processing Options", Marketing API), in the order of their
/// codes from 1000 on.
const STATES: [&str; 14] = [
    "CA", "CO", "CT", "FL", "OR", "TX", "MT", "DE", "NE", "NH", "NJ", "MN", "MD", "RI",
];

impl Place {
    /// Returns the place of an opt-out; [`BY_ADDRESS`] if Meta has no code for it.
    pub(crate) fn of(fact: &LimitedDataProcessing) -> Place {
        match (1000..).zip(STATES).find(|(_, state)| *state == fact.state) {
            Some((state, _)) if fact.country == "US" => Place { country: US, state },
            _ => BY_ADDRESS,
        }
    }

    /// Returns the place of mapped codes. `None` if they name no place that Meta knows: a country without its state, a state
    /// of another country, an unlisted code. A state alone is one of the US.
    pub(crate) fn of_codes(country: Option<i64>, state: Option<i64>) -> Option<Place> {
        match (country, state) {
            (None | Some(0), None | Some(0)) => Some(BY_ADDRESS),
            (None | Some(US), Some(state)) if (1000..).zip(STATES).any(|(code, _)| code == state) => {
                Some(Place { country: US, state })
            }
            _ => None,
        }
    }
}

/// Writes the options of an event under Limited Data Use.
pub(crate) fn write(out: &mut Object<'_>, place: Place) {
    out.raw(key!("data_processing_options"), "[\"LDU\"]");
    out.integer(key!("data_processing_options_country"), place.country);
    out.integer(key!("data_processing_options_state"), place.state);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_have_codes() {
        for (state, country, place) in [
            ("CA", "US", (1, 1000)),
            ("RI", "US", (1, 1013)),
            ("VA", "US", (0, 0)),
            ("CA", "CO", (0, 0)),
        ] {
            let fact = LimitedDataProcessing {
                state: state.to_owned(),
                country: country.to_owned(),
            };
            let found = Place::of(&fact);
            assert_eq!((found.country, found.state), place, "{state} {country}");
        }
    }

    #[test]
    fn mapped_codes_name_a_place_or_none() {
        for (country, state, place) in [
            (None, None, Some((0, 0))),
            (Some(0), Some(0), Some((0, 0))),
            (Some(1), Some(1000), Some((1, 1000))),
            (None, Some(1011), Some((1, 1011))),
            (Some(1), None, None),
            (Some(1), Some(0), None),
            (Some(0), Some(1000), None),
            (Some(1), Some(1014), None),
            (Some(2), Some(1000), None),
            (Some(1), Some(-1), None),
        ] {
            let found = Place::of_codes(country, state).map(|place| (place.country, place.state));
            assert_eq!(found, place, "{country:?} {state:?}");
        }
    }
}
