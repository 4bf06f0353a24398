//! The provinces and territories of Canada.

/// Each code of ISO 3166-2:CA with its names.
pub(super) const PROVINCES: [(&str, &[&str]); 13] = [
    ("AB", &["Alberta"]),
    ("BC", &["British Columbia", "Colombie-Britannique"]),
    ("MB", &["Manitoba"]),
    ("NB", &["New Brunswick", "Nouveau-Brunswick"]),
    (
        "NL",
        &[
            "Newfoundland and Labrador",
            "Newfoundland",
            "Terre-Neuve-et-Labrador",
            "Terre-Neuve",
        ],
    ),
    ("NS", &["Nova Scotia", "Nouvelle-Écosse"]),
    ("NT", &["Northwest Territories", "Territoires du Nord-Ouest"]),
    ("NU", &["Nunavut"]),
    ("ON", &["Ontario"]),
    ("PE", &["Prince Edward Island", "Île-du-Prince-Édouard", "PEI"]),
    ("QC", &["Quebec"]),
    ("SK", &["Saskatchewan"]),
    ("YT", &["Yukon", "Yukon Territory"]),
];
