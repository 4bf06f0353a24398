//! Questions and answers between routers as each version writes them, kept in `tests/journals/history-questions`: routers of
//! two versions share a journal while they are restarted one after the other.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use signalbox_history::{Answer, By, Filter, Outcome, Question, Report};
use signalbox_testkit::versions::{add_members, has_all_of};

use super::support::{keep, now, record, start};

const VERSION: &str = "0.1.0";
/// Members of answers whose objects have names as keys.
const MAPS: [&str; 4] = ["latency", "match_keys", "parameters", "warnings"];

/// The questions and answers of this version, as lines.
fn written() -> String {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let mut rejected = record(1);
    rejected.outcome = Outcome::Rejected;
    rejected.reason = Some("invalid_value".into());
    rejected.message = Some("a sentence".into());
    keep(&history, vec![record(0), rejected]);
    let filter = Filter {
        sink: Some("ads".into()),
        since: Some(now() - 60_000),
        ..Filter::default()
    };
    let report = Report {
        since: Some(1_700_000_000_000),
        sink: Some("ads".into()),
        by: By::ALL.to_vec(),
        details: true,
    };
    let (ids, key) = (vec![7, u64::MAX], 9);
    let latest = Question::Latest {
        filter: filter.clone(),
        after: None,
        limit: 9,
    };
    let Answer::Page(page) = history.answer(&latest).unwrap() else {
        panic!("a page")
    };
    let place = page.entries[0].place.clone();
    let questions = [
        Question::Find {
            ids: ids.clone(),
            key,
            filter: filter.clone(),
        },
        latest,
        Question::Latest {
            filter,
            after: Some(place.clone()),
            limit: 1,
        },
        Question::At(place.clone()),
        Question::Report(report),
        Question::Erase {
            ids,
            key,
            until: 1_700_000_000_000,
        },
    ];
    let mut lines = String::new();
    for question in &questions {
        let question_text = serde_json::to_string(question).unwrap();
        writeln!(lines, "question {question_text}").unwrap();
        // The ids of the first and the last one are of another key.
        let answer = history.answer(question).unwrap_or(Answer::Erased(Some(2)));
        writeln!(lines, "answer {}", serde_json::to_string(&answer).unwrap()).unwrap();
    }
    lines
}

/// The kept lines of a kind.
fn kept(kind: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/journals/history-questions")
        .join(VERSION);
    let Ok(text) = std::fs::read_to_string(&path) else {
        panic!("keep this as {}:\n{}", path.display(), written());
    };
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    let values: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values.len(), 6, "{kind}");
    values
}

#[test]
fn questions_of_each_version_are_understood_and_asked() {
    for question in kept("question") {
        let read: Question = serde_json::from_value(question.clone()).unwrap();
        has_all_of(&serde_json::to_value(read).unwrap(), &question, "question");
    }
}

#[test]
fn a_question_of_a_later_version_is_refused_rather_than_misunderstood() {
    let mut refused = 0;
    for mut question in kept("question") {
        let (_, content) = question.as_object_mut().unwrap().iter_mut().next().unwrap();
        // A place is a text.
        if content.is_object() {
            add_members(content, &["filter"]);
            assert!(serde_json::from_value::<Question>(question).is_err());
            refused += 1;
        }
    }
    assert_eq!(refused, 5);
    let unknown = serde_json::json!({ "weather": { "ids": [] } });
    assert!(serde_json::from_value::<Question>(unknown).is_err());
}

#[test]
fn answers_of_each_version_and_of_later_ones_are_understood_and_given() {
    for answer in kept("answer") {
        let read: Answer = serde_json::from_value(answer.clone()).unwrap();
        has_all_of(&serde_json::to_value(&read).unwrap(), &answer, "answer");
        let mut later = answer;
        for (_, content) in later.as_object_mut().unwrap() {
            add_members(content, &MAPS);
        }
        assert_eq!(serde_json::from_value::<Answer>(later).unwrap(), read);
    }
}
