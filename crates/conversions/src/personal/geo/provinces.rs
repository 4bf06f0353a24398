//! The provinces and territories of Canada.

/// Each code of ISO 3166-2:CA with its names.
pub(super) const PROVINCES: [(&str, &[&str]); 13] = [
    ("AB", &["Alberta"]),
    ("BC", &["British Columbia"]),
    ("MB", &["Manitoba"]),
    ("NB", &["New Brunswick", "Nouveau-Brunswick"]),
    ("NL", &["Newfoundland and Labrador", "Newfoundland"]),
    ("NS", &["Nova Scotia"]),
    ("NT", &["Northwest Territories"]),
    ("NU", &["Nunavut"]),
    ("ON", &["Ontario"]),
    ("PE", &["Prince Edward Island"]),
    ("QC", &["Quebec"]),
    ("SK", &["Saskatchewan"]),
    ("YT", &["Yukon", "Yukon Territory"]),
];
