use super::compare::{expect_same, same};
use serde_json::{Value as Json, json};
use signalbox_core::Document;
use signalbox_segment::fql::Trigger;

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
                expect_same(ast, &trigger.tree().to_json())?;
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
