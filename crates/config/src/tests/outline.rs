//! The components as people may see them.

use signalbox_core::PluginKind;

use super::{env, good_with};

#[test]
fn settings_are_shown_without_secrets() {
    let text = r#"
[sources.web]
type = "probe_source"
write_keys = ["zq-write-key", "${KEY}"]
port = 7000
through = ["rules"]
[transforms.rules]
type = "probe_transform"
rules = "nothing"
[sinks.pin]
type = "probe_sink"
inputs = ["web"]
account = "a1"
token = "zq-token"
factor = 1.5
linger = "${LINGER}"
retry = { for = "1h" }
enabled = false
"#;
    let environment = env(&[("KEY", "zq-from-the-environment"), ("LINGER", "5s")]);
    let config = good_with(text, &environment);
    let shown = format!("{:?}", config.components);
    assert!(!shown.contains("zq-"), "{shown}");
    let [web, rules, pin] = &config.components[..] else {
        panic!("{shown}")
    };
    assert_eq!(
        (web.kind, &*web.name, web.plugin),
        (PluginKind::Source, "web", "probe_source")
    );
    assert_eq!((&web.through[..], web.enabled), (&["rules".to_owned()][..], true));
    assert_eq!(rules.settings[0].value.as_deref(), Some("\"nothing\""));
    assert_eq!((&pin.inputs[..], pin.enabled), (&["web".to_owned()][..], false));
    let of = |component: &super::super::ComponentOutline, path: &str| {
        let found = component.settings.iter().find(|setting| setting.path == path);
        found
            .unwrap_or_else(|| panic!("{path}: {component:?}"))
            .value
            .clone()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of(web, "write_keys"), None);
    assert_eq!(of(web, "port"), text("7000"));
    assert_eq!(of(pin, "account"), text("\"a1\""));
    assert_eq!(of(pin, "token"), None);
    assert_eq!(of(pin, "factor"), text("1.5"));
    assert_eq!(of(pin, "linger"), None, "an interpolated value may be a secret");
    assert_eq!(of(pin, "retry.for"), text("\"1h\""));
    assert_eq!(of(pin, "enabled"), text("false"));
    assert!(pin.settings.iter().all(|setting| setting.path != "type"));
}
