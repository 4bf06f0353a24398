//! The facts by which a vendor rates events, read from its tables: match keys from the fields, expected parameters from the
//! events of Segment's spec that its presets listen to.

use signalbox_core::{Identifier, Parameter, Parameters, Rated, RatedKey};

use crate::field::{Kind, Row};
use crate::personal::Field as Personal;
use crate::presets::{Listens, Preset};
use crate::spec::{Spec, json_of};

const WORTH: &[Parameter] = &[Parameter::Value, Parameter::Currency, Parameter::Contents];
const ORDER: &[Parameter] = &[
    Parameter::Value,
    Parameter::Currency,
    Parameter::OrderId,
    Parameter::Contents,
];

/// Parameters that an event of Segment's spec brings.
const EXPECTED: [(&str, &[Parameter]); 7] = [
    ("Order Completed", ORDER),
    ("Order Placed", ORDER),
    ("Checkout Started", WORTH),
    ("Product Added", WORTH),
    ("Product Added to Wishlist", WORTH),
    ("Product Viewed", WORTH),
    ("Product Clicked", &[Parameter::Contents]),
];

/// Names the facts by which a vendor rates the events of this name. An event id is expected of all, since it keeps a
/// conversion from being counted twice; the other parameters are those of the presets with this name.
pub(crate) fn rated(spec: &Spec, event_name: &str) -> Rated {
    let mut match_keys = Vec::new();
    for row in spec
        .rows
        .iter()
        .flat_map(|row| std::iter::once(row).chain(row.members))
    {
        let name = row.field.key;
        if let Some(kind) = identifier(row)
            && !match_keys.iter().any(|known: &RatedKey| known.name == name)
        {
            match_keys.push(RatedKey {
                name,
                kind,
                sent_as: row.sent_as,
            });
        }
    }
    let mut expected = Parameters::default();
    expected.add(Parameter::EventId, true);
    let presets = spec.presets.iter();
    for preset in presets.filter(|preset| makes(spec, preset, event_name)) {
        let (Listens::Track(event) | Listens::Event(event)) = preset.listens else {
            continue;
        };
        let row = EXPECTED.iter().find(|(name, _)| *name == event);
        for parameter in row.map_or(&[][..], |(_, parameters)| parameters) {
            expected.add(*parameter, true);
        }
    }
    Rated { match_keys, expected }
}

fn identifier(row: &Row) -> Option<Identifier> {
    match row.kind {
        Kind::Hashed(field) | Kind::Plain(field) => Some(match field {
            Personal::Email => Identifier::Email,
            Personal::Phone => Identifier::Phone,
            Personal::ExternalId => Identifier::ExternalId,
            Personal::MobileAdId => Identifier::MobileAdId,
            _ => Identifier::Detail,
        }),
        _ => row.identifies,
    }
}

/// Returns true if the preset makes conversions of this name, by Segment's rules or by the vendor's.
fn makes(spec: &Spec, preset: &Preset, event_name: &str) -> bool {
    let own = preset
        .vendor_fields
        .iter()
        .find(|(field, _)| *field == spec.event_field);
    let own = own.and_then(|(_, default)| json_of(default));
    preset.event_name == event_name || own.is_some_and(|own| own == event_name)
}
