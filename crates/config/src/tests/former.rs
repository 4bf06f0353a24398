//! The former names of components.

use super::{PIPELINE, bad, good};

#[test]
fn former_names_arrive() {
    let text = PIPELINE
        .replace("[sources.web]\n", "[sources.web]\nwas = \"shop\"\n")
        .replace(
            "[sinks.pin]\n",
            "[sinks.pin]\nwas = \"ads\"\ninputs_removed = \"filter\"\n",
        );
    let config = good(&text);
    let (source, sink) = (&config.sources[0].runtime, &config.sinks[0].runtime);
    assert_eq!(
        (source.was.as_deref(), sink.was.as_deref()),
        (Some("shop"), Some("ads"))
    );
    assert_eq!(sink.inputs_removed, crate::InputsRemoved::Filter);
}

#[test]
fn a_name_that_is_still_there_is_taken_over_by_nobody() {
    for name in ["web", "pin"] {
        let text = PIPELINE.replace("[sinks.pin]\n", &format!("[sinks.pin]\nwas = \"{name}\"\n"));
        let told = bad(&text).to_string();
        assert!(told.contains("sinks.pin.was: there is still a"), "{told}");
    }
}

#[test]
fn only_one_takes_over_a_name() {
    let second = PIPELINE
        .replace("[sinks.pin]\n", "[sinks.pin]\nwas = \"ads\"\n")
        .split_once("[sinks.pin]")
        .map(|(_, sink)| format!("[sinks.other]{sink}"))
        .unwrap();
    let first = PIPELINE.replace("[sinks.pin]\n", "[sinks.pin]\nwas = \"ads\"\n");
    let told = bad(&format!("{first}\n{second}")).to_string();
    assert!(
        told.contains("sinks.other.was: another sink takes over this name already"),
        "{told}"
    );
}
