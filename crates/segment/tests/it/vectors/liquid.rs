//! Templates that Segment's engine rendered, all with one event.

use bumpalo::Bump;
use serde_json::json;
use signalbox_core::Document;
use signalbox_segment::mapping::Mapping;

#[test]
fn templates_render_as_in_segments_engine() {
    let folder = super::own_folder().join("segment");
    let event = std::fs::read_to_string(folder.join("liquid_event.json")).unwrap();
    let event = Document::parse(&event).unwrap();
    let cases = super::cases_of(&folder.join("liquid_templates.jsonl"));
    assert!(cases.len() > 400);
    for case in &cases {
        let template = case["liquid"].as_str().unwrap();
        let arena = Bump::new();
        let mapping = Mapping::compile(&json!({ "x": { "@liquid": template } })).unwrap();
        let found = mapping.resolve(event.root(), &arena);
        let found = found.map(|payload| payload.get("x").as_str().unwrap().to_owned());
        match (&found, case["expected"].as_str()) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected, "{template}"),
            (Err(_), None) => {}
            _ => panic!("{template}: found {found:?}, recorded {case}"),
        }
    }
}
