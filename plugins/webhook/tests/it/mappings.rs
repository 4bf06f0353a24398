//! Records made by mappings, from TOML.

use signalbox_core::{
    BuildContext, BuildErrors, Built, Event, Prepared, Receipt, Side, Sink, SinkConfig, Warning,
};

fn config(mappings: &str) -> Box<dyn SinkConfig> {
    toml::from_str(&format!(
        "type = \"webhook\"\nurl = \"https://example.com\"\n{mappings}"
    ))
    .unwrap()
}

fn built(mappings: &str) -> Result<Built<dyn Sink>, BuildErrors> {
    config(mappings).build(&BuildContext {
        name: "warehouse".into(),
        place: Side::Sink,
    })
}

fn build(mappings: &str) -> Result<Box<dyn Sink>, BuildErrors> {
    built(mappings).map(|built| built.component)
}

fn event(json: &str) -> Event {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 0,
    };
    Event::parse(json, receipt).unwrap()
}

/// The result for an event: `name: record`, `name! code`, or the code of the reason why it is filtered.
fn made(mappings: &str, json: &str) -> Vec<String> {
    let sink = build(mappings).unwrap_or_else(|errors| panic!("{errors:?}"));
    match sink.prepare(&event(json)) {
        Prepared::Mapped(results) => results
            .into_iter()
            .map(|result| match result {
                Ok(record) => {
                    format!("{}: {}", record.mapping, String::from_utf8_lossy(&record.bytes))
                }
                Err(rejection) => format!("{}! {}", rejection.mapping, rejection.reason.code()),
            })
            .collect(),
        Prepared::Filtered(reason) | Prepared::Rejected(reason) => vec![reason.code().to_owned()],
    }
}

const ORDER: &str = r#"{"type":"track","messageId":"m1","event":"Order Completed","properties":{"order_id":12345678901234567890,"total":1.50,"products":[{"sku":"S-1"},{"sku":"S-2"}]}}"#;

const MAPPINGS: &str = r#"
    [[mappings]]
    name = "orders"
    trigger = 'type = "track" and event = "Order Completed"'
    fields = { id = { "@path" = "$.properties.order_id" }, items = { "@arrayPath" = ["$.properties.products", { s = { "@path" = "$.sku" } }] } }

    [[mappings]]
    name = "people"
    trigger = 'type = "identify"'
    fields = [{ "@path" = "$.traits" }]

    [[mappings]]
    trigger = 'type = "track"'

    [[mappings]]
    enabled = false
    "#;

#[test]
fn each_mapping_that_is_fired_makes_a_record() {
    let items = r#"[{"s":"S-1"},{"s":"S-2"}]"#;
    assert_eq!(
        made(MAPPINGS, ORDER),
        [
            format!("orders: {{\"id\":12345678901234567890,\"items\":{items}}}"),
            format!("mapping 3: {ORDER}"),
        ]
    );
    assert_eq!(
        made(
            MAPPINGS,
            r#"{"type":"identify","messageId":"m1","traits":{"plan":"gold"}}"#
        ),
        [r#"people: [{"plan":"gold"}]"#]
    );
    assert_eq!(
        made(MAPPINGS, r#"{"type":"page","messageId":"m1"}"#),
        ["no_trigger_matched"]
    );
}

#[test]
fn without_mappings_the_event_goes_as_it_is() {
    assert_eq!(made("", ORDER), [format!("warehouse: {ORDER}")]);
    let all = "[[mappings]]\nname = \"all\"";
    assert_eq!(made(all, ORDER), [format!("all: {ORDER}")]);
}

#[test]
fn mappings_that_are_all_off_do_not_mean_everything() {
    let off = "[[mappings]]\nenabled = false";
    assert_eq!(made(off, ORDER), ["no_trigger_matched"]);
    assert_eq!(built(off).unwrap().warnings[0].path, "mappings");
}

#[test]
fn what_fails_is_left_out_or_rejected() {
    let field = r#"mappings = [{ name = "a", fields = { id = { "@path" = "$.messageId" }, x = { "@case" = { operator = "title", value = { "@path" = "$.event" } } } } }]"#;
    assert_eq!(made(field, ORDER), [r#"a: {"id":"m1"}"#]);
    let sink = build(field).unwrap();
    let mut order = event(ORDER);
    order.facts_mut().warnings.push(Warning {
        code: "junk".into(),
        path: "traits.email".into(),
        message: "left out".into(),
    });
    let Prepared::Mapped(results) = sink.prepare(&order) else {
        panic!()
    };
    let warnings = &results[0].as_ref().unwrap().warnings;
    let warnings: Vec<_> = warnings.iter().map(|one| (&*one.code, &*one.path)).collect();
    assert_eq!(warnings, [("junk", "traits.email"), ("mapping_failed", "x")]);

    let whole =
        r#"mappings = [{ name = "a", fields = { "@merge" = { objects = [{ x = 1 }] } } }, { name = "b" }]"#;
    assert_eq!(
        made(whole, ORDER),
        ["a! mapping_failed".to_owned(), format!("b: {ORDER}")]
    );
    let nothing = r#"mappings = [{ fields = { "@path" = "$.traits" } }]"#;
    assert_eq!(made(nothing, ORDER), ["mapping 1! empty_record"]);
}

#[test]
fn a_mapping_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.json");
    std::fs::write(&file, r#"{ "id": { "@path": "$.messageId" } }"#).unwrap();
    let mappings = format!("[[mappings]]\nname = \"f\"\nfields_file = '{}'", file.display());
    assert_eq!(made(&mappings, ORDER), [r#"f: {"id":"m1"}"#]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(build(&mappings).err().unwrap()[0].path, "mappings.0.fields_file");
}

#[test]
fn mistakes_and_doubts_are_told_with_their_place() {
    let errors = build(
        r#"
        [[mappings]]
        trigger = 'type !="page"'
        fields = { a = { "@pat" = "$.x" } }
        [[mappings]]
        name = "mapping 3"
        [[mappings]]
        "#,
    )
    .err()
    .unwrap();
    let paths: Vec<_> = errors.iter().map(|error| &*error.path).collect();
    assert_eq!(
        paths,
        ["mappings.0.trigger", "mappings.0.fields.a", "mappings.2.name"]
    );

    let warnings = built(
        r#"
        [[mappings]]
        trigger = 'type = "track" OR event = "A"'
        fields = { a = [{ "@template" = "{{$.x}}" }] }
        "#,
    )
    .unwrap()
    .warnings;
    let told: Vec<_> = warnings
        .iter()
        .map(|warning| (&*warning.path, warning.help.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "mappings.0.trigger",
                Some("what is really asked: type = \"track\" and event = \"A\"")
            ),
            ("mappings.0.fields.a.0.\"@template\"", None)
        ]
    );
    assert!(built(MAPPINGS).unwrap().warnings.is_empty());
}
