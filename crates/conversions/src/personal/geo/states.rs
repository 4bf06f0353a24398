//! The states of the United States, the District of Columbia and the territories.

/// A state, district or territory of the United States.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// Two letters, upper case, as the Postal Service and ISO 3166-2:US have them.
    pub code: &'static str,
    /// Names it is known by, in their usual spelling.
    pub names: &'static [&'static str],
}

const fn state(code: &'static str, names: &'static [&'static str]) -> State {
    State { code, names }
}

/// The code itself if a text is one, in either letter case.
pub(super) fn by_code(code: &str) -> Option<&'static str> {
    let found = STATES
        .iter()
        .find(|state| state.code.eq_ignore_ascii_case(code))?;
    Some(found.code)
}

/// The fifty states, the district, and the territories.
pub const STATES: &[State] = &[
    state("AL", &["Alabama"]),
    state("AK", &["Alaska"]),
    state("AZ", &["Arizona"]),
    state("AR", &["Arkansas"]),
    state("CA", &["California"]),
    state("CO", &["Colorado"]),
    state("CT", &["Connecticut"]),
    state("DE", &["Delaware"]),
    state(
        "DC",
        &[
            "District of Columbia",
            "Washington DC",
            "Washington D.C.",
            "Washington, DC",
        ],
    ),
    state("FL", &["Florida"]),
    state("GA", &["Georgia"]),
    state("HI", &["Hawaii", "Hawaiʻi"]),
    state("ID", &["Idaho"]),
    state("IL", &["Illinois"]),
    state("IN", &["Indiana"]),
    state("IA", &["Iowa"]),
    state("KS", &["Kansas"]),
    state("KY", &["Kentucky"]),
    state("LA", &["Louisiana"]),
    state("ME", &["Maine"]),
    state("MD", &["Maryland"]),
    state("MA", &["Massachusetts"]),
    state("MI", &["Michigan"]),
    state("MN", &["Minnesota"]),
    state("MS", &["Mississippi"]),
    state("MO", &["Missouri"]),
    state("MT", &["Montana"]),
    state("NE", &["Nebraska"]),
    state("NV", &["Nevada"]),
    state("NH", &["New Hampshire"]),
    state("NJ", &["New Jersey"]),
    state("NM", &["New Mexico"]),
    state("NY", &["New York", "New York State"]),
    state("NC", &["North Carolina"]),
    state("ND", &["North Dakota"]),
    state("OH", &["Ohio"]),
    state("OK", &["Oklahoma"]),
    state("OR", &["Oregon"]),
    state("PA", &["Pennsylvania"]),
    state("RI", &["Rhode Island"]),
    state("SC", &["South Carolina"]),
    state("SD", &["South Dakota"]),
    state("TN", &["Tennessee"]),
    state("TX", &["Texas"]),
    state("UT", &["Utah"]),
    state("VT", &["Vermont"]),
    state("VA", &["Virginia"]),
    state("WA", &["Washington", "Washington State"]),
    state("WV", &["West Virginia"]),
    state("WI", &["Wisconsin"]),
    state("WY", &["Wyoming"]),
    state("AS", &["American Samoa"]),
    state("GU", &["Guam"]),
    state("MP", &["Northern Mariana Islands"]),
    state("PR", &["Puerto Rico"]),
    state(
        "UM",
        &[
            "U.S. Minor Outlying Islands",
            "United States Minor Outlying Islands",
        ],
    ),
    state(
        "VI",
        &[
            "U.S. Virgin Islands",
            "Virgin Islands",
            "United States Virgin Islands",
        ],
    ),
];
