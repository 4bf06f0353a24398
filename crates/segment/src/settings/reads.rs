//! Settings that need plain values of an event: a hash can be passed on, but not compared or read by people.

use serde_json::Value as Json;
use signalbox_core::PlainRead;

use super::child;
use crate::fql::Trigger;
use crate::mapping;

/// Returns the paths that a trigger reads; none if it does not parse, which [`super::trigger`] reports.
pub fn trigger_reads(text: &str, setting: &str) -> Vec<PlainRead> {
    let Ok(trigger) = Trigger::parse(text) else {
        return Vec::new();
    };
    let paths = trigger.tree().event_paths().into_iter();
    paths
        .map(|event_path| PlainRead {
            setting: setting.to_owned(),
            event_path,
        })
        .collect()
}

/// Returns the paths that directives of a mapping write into texts.
pub fn template_reads(mapping: &Json, setting: &str) -> Vec<PlainRead> {
    let mut reads = Vec::new();
    match mapping {
        Json::Object(members) => {
            for (key, value) in members {
                reads.extend(
                    mapping::reads(key, value)
                        .into_iter()
                        .map(|event_path| PlainRead {
                            setting: setting.to_owned(),
                            event_path,
                        }),
                );
                let below = if key.starts_with('@') {
                    setting.to_owned()
                } else {
                    child(setting, key)
                };
                reads.extend(template_reads(value, &below));
            }
        }
        Json::Array(items) => reads.extend(items.iter().flat_map(|item| template_reads(item, setting))),
        _ => {}
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_triggers_and_templates() {
        let paths = |reads: Vec<PlainRead>| -> Vec<String> {
            reads
                .into_iter()
                .map(|read| format!("{} {}", read.setting, read.event_path))
                .collect()
        };
        assert_eq!(
            paths(trigger_reads(
                "type = \"track\" and (traits.email exists or userId = \"1\")",
                "trigger"
            )),
            ["trigger traits.email", "trigger type", "trigger userId"]
        );
        let mapping = serde_json::json!({
            "greeting": { "@template": "Hi {{traits.firstName}} {{{ traits.lastName }}}" },
            "nested": [{ "@if": { "exists": true, "then": { "@template": "{{userId}}" } } }],
            "plain": { "@path": "$.traits.email" }
        });
        assert_eq!(
            paths(template_reads(&mapping, "fields")),
            [
                "fields.greeting traits.firstName",
                "fields.greeting traits.lastName",
                "fields.nested.then userId"
            ]
        );
    }
}
