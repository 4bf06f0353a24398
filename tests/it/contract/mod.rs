//! Every registered component keeps the contract of its kind (`signalbox_testkit::contract`).

mod replies;
mod sinks;
mod sources;
mod transforms;

use signalbox_core::{PluginKind, plugins};

#[test]
fn no_component_is_forgotten() {
    for (kind, checked) in [
        (PluginKind::Source, sources::CHECKED),
        (PluginKind::Transform, &transforms::CHECKED[..]),
        (PluginKind::Sink, sinks::CHECKED),
    ] {
        let all = plugins();
        let linked: Vec<&str> = all
            .iter()
            .filter(|plugin| plugin.kind == kind)
            .map(|plugin| plugin.name)
            .collect();
        assert_eq!(
            linked, checked,
            "{kind:?}: add a test of the contract for it, and its name to CHECKED in alphabetical order"
        );
    }
}
