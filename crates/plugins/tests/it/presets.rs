//! The table of presets in docs/mappings.md is generated from the tables of the vendors.

use std::fmt::Write as _;
use std::path::Path;

use signalbox_conversions::{Compat, Listens, Spec};
use signalbox_testkit::golden::generated;

const VENDORS: [(&str, &Spec); 3] = [
    ("`pinterest_conversions`", &signalbox_pinterest_conversions::SPEC),
    ("`meta_conversions`", &signalbox_meta_conversions::SPEC),
    ("`tiktok_events`", &signalbox_tiktok_events::WEB_SPEC),
];

/// The events that a preset listens to, in words.
fn event(listens: Listens) -> Option<&'static str> {
    match listens {
        Listens::Track(event) | Listens::Event(event) => Some(event),
        Listens::Page => Some("(a page call)"),
        Listens::Screen => Some("(a screen call)"),
        Listens::Nothing => None,
    }
}

#[test]
fn the_guide_lists_the_presets_of_every_vendor() {
    let presets = |spec: &'static Spec| {
        spec.presets
            .iter()
            .filter(|preset| preset.is_default(Compat::Vendor))
    };
    let all = VENDORS.iter().flat_map(|(_, spec)| presets(spec));
    let mut events: Vec<&str> = all.filter_map(|preset| event(preset.listens)).collect();
    events.sort_unstable();
    events.dedup();
    let names: Vec<&str> = VENDORS.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| event | {} |\n|---|---|---|---|\n", names.join(" | "));
    for one in events {
        let _ = write!(table, "| {one} |");
        for (_, spec) in VENDORS {
            let listening = presets(spec).filter(|preset| event(preset.listens) == Some(one));
            let names: Vec<&str> = listening.map(|preset| preset.name).collect();
            let _ = write!(table, " {} |", names.join(", "));
        }
        table.push('\n');
    }
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mappings.md");
    generated(
        &guide,
        "<!-- generated: presets -->\n",
        "<!-- end of presets -->",
        &table,
    );
}
