use super::compare::{expect_same, same};
use serde_json::{Value as Json, json};
use signalbox_core::Document;
use signalbox_segment::fql::{Condition, Field, Literal, Trigger};

#[test]
fn fql_vectors() {
    super::run(
        "fql",
        "fql_vectors.jsonl",
        |_| true,
        |case| {
            let found = match Trigger::parse(case["fql"].as_str().unwrap_or_default()) {
                Err(_) => json!("parse_error"),
                Ok(trigger) => {
                    let event =
                        Document::parse(&case["event"].to_string()).map_err(|error| error.to_string())?;
                    trigger
                        .evaluate(event.root())
                        .map_or(json!("eval_error"), Json::Bool)
                }
            };
            expect_same(&case["expected"], &found)
        },
    );
}

#[test]
fn fql_ast_vectors() {
    super::run(
        "fql_ast",
        "fql_ast_vectors.jsonl",
        |_| true,
        |case| match (
            Trigger::parse(case["fql"].as_str().unwrap_or_default()),
            case.get("ast"),
        ) {
            (Err(_), None) => Ok(()),
            (Err(error), Some(_)) => Err(format!("refused: {error}")),
            (Ok(_), None) => Err(format!("expected the error {}", case["error"])),
            (Ok(trigger), Some(ast)) => {
                expect_same(ast, &json_of(trigger.tree()))?;
                let generated = trigger.meaning().map_or(Json::Null, Json::String);
                if same(&case["generated"], &generated) {
                    return Ok(());
                }
                Err(format!(
                    "expected the text {}, found {generated}",
                    case["generated"]
                ))
            }
        },
    );
}

/// Returns the tree as Segment's JSON.
fn json_of(tree: &Condition) -> Json {
    match tree {
        Condition::Hole => Json::Null,
        Condition::Group { any, children } => json!({
            "type": "group",
            "operator": if *any { "or" } else { "and" },
            "children": children.iter().map(json_of).collect::<Vec<_>>(),
        }),
        Condition::Test {
            field,
            operator,
            value,
        } => {
            let mut node = match field {
                Field::Type => json!({ "type": "event-type" }),
                Field::Event => json!({ "type": "event" }),
                Field::Name => json!({ "type": "name" }),
                Field::UserId => json!({ "type": "userId" }),
                Field::Property(name) => json!({ "type": "event-property", "name": name }),
                Field::Trait(name) => json!({ "type": "event-trait", "name": name }),
                Field::Context(name) => json!({ "type": "event-context", "name": name }),
            };
            node["operator"] = operator.as_str().into();
            match value {
                Some(Literal::Text(text)) => node["value"] = text.as_str().into(),
                Some(Literal::Number(number)) => node["value"] = (*number).into(),
                Some(Literal::Bool(truth)) => node["value"] = (*truth).into(),
                None => {}
            }
            node
        }
    }
}
