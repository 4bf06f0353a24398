//! Summaries of records, read back from their bytes, for the history. This runs on the history's thread, not on the way of
//! an event.

use signalbox_core::{Document, Kind, Money, Node, Parameter, Parameters, Record, Summary};

use crate::spec::Spec;

/// The objects of a record that hold match keys.
const PERSON: [&str; 2] = ["user_data", "user"];

/// Reads a record of a vendor's. The places are those of all conversions APIs: names and ids at the top, worth and order in an
/// object there.
pub(crate) fn summary(spec: &Spec, record: &Record) -> Summary {
    let text = std::str::from_utf8(&record.bytes).ok();
    let Some(document) = text.and_then(|text| Document::parse(text).ok()) else {
        return Summary::default();
    };
    let root = document.root();
    let top = |key: &str| root.get(key).and_then(text_of);
    let anywhere = |key: &str| anywhere(root, key);
    let event_row = spec.rows.iter().find(|row| row.field.key == spec.event_field);
    let currency = anywhere("currency").and_then(text_of);
    let amount = anywhere("value").and_then(|node| node.number_text().or_else(|| node.as_str()));
    let value = amount
        .and_then(Money::millionths)
        .map(|millionths| Money { millionths, currency });
    Summary {
        event_name: event_row.and_then(|row| top(row.key.name())),
        action_source: top("action_source"),
        event_id: top("event_id"),
        order_id: anywhere("order_id").and_then(text_of),
        value,
        match_keys: PERSON
            .iter()
            .filter_map(|key| root.get(key))
            .flat_map(|person| keys(spec, person))
            .collect(),
        parameters: parameters(root),
    }
}

/// Finds a value in the record or in an object there.
fn anywhere<'d>(root: Node<'d>, key: &str) -> Option<Node<'d>> {
    let mut objects = std::iter::once(root).chain(root.members().map(|(_, node)| node));
    objects.find_map(|object| object.get(key).filter(|node| node.kind() != Kind::Object))
}

/// Tells which parameters a record carries.
fn parameters(root: Node<'_>) -> Parameters {
    let carries = |key: &str| anywhere(root, key).is_some_and(|node| is_set(&node));
    let page = root.get("page").and_then(|page| page.get("url"));
    let source_url = root.get("event_source_url").or(page);
    let mut carried = Parameters::default();
    carried.add(Parameter::Value, carries("value"));
    carried.add(Parameter::Currency, carries("currency"));
    carried.add(Parameter::OrderId, carries("order_id"));
    carried.add(Parameter::Contents, carries("contents") || carries("content_ids"));
    carried.add(Parameter::EventId, carries("event_id"));
    carried.add(Parameter::SourceUrl, source_url.is_some_and(|url| is_set(&url)));
    carried
}

/// Lists the match keys in an object, by their names in mappings, so that they have one name at all vendors.
fn keys(spec: &Spec, person: Node<'_>) -> Vec<Box<str>> {
    let set = person.members().filter(|(_, node)| is_set(node));
    let name = |key: &str| {
        let rows = spec
            .rows
            .iter()
            .flat_map(|row| std::iter::once(row).chain(row.members));
        let row = rows.into_iter().find(|row| row.key.name() == key);
        row.map_or(key, |row| row.field.key).into()
    };
    set.map(|(key, _)| name(key)).collect()
}

/// Returns true for a list that is not empty, and for a text or number.
fn is_set(node: &Node<'_>) -> bool {
    node.items().next().is_some() || text_of(*node).is_some()
}

/// Returns a text or a number as text; `None` if it is blank.
fn text_of(node: Node<'_>) -> Option<Box<str>> {
    let text = node.as_str().or_else(|| node.number_text())?;
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_where_vendors_have_them() {
        for (record, expected) in [
            (
                r#"{"event_id":"e","event_source_url":"https://a.example","custom_data":{"value":"7.5","currency":"EUR","order_id":"A","contents":[{"id":"p"}]}}"#,
                "value currency order_id contents event_id source_url",
            ),
            (
                r#"{"event_id":"e","page":{"url":"https://a.example"},"properties":{"value":0,"content_ids":["p"]}}"#,
                "value contents event_id source_url",
            ),
            (
                r#"{"event_id":"","event_source_url":"","custom_data":{"value":"","contents":[],"content_ids":[]}}"#,
                "",
            ),
            (r#"{"user_data":{"em":["…"]}}"#, ""),
        ] {
            let document = Document::parse(record).unwrap();
            let found = parameters(document.root());
            let names = Parameter::ALL.into_iter().filter(|one| found.has(*one));
            let names: Vec<&str> = names.map(Parameter::name).collect();
            assert_eq!(names.join(" "), expected, "{record}");
        }
    }
}
