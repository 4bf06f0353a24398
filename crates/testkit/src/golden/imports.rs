//! Destinations of Segment's become tables of the pipeline file that make the same records.

use serde_json::{Map, Value as Json, json};
use signalbox_conversions::import::{Destination, Import};
use signalbox_conversions::{Compat, Draft, Preset, Trigger, set};
use signalbox_core::{BuildContext, Event, Prepared, Side, Sink, SinkConfig, segment_imports};
use signalbox_segment::fql;

use super::case::{Case, pairs, same};
use super::run::event;
use super::vendor::GoldenVendor;

/// The token of the destinations, which the import must not copy.
const TOKEN: &str = "zq-EXAMPLE-OF-A-SECRET";

/// The import of a vendor, with what its golden cases need.
#[derive(Debug)]
pub struct GoldenImport {
    /// The import.
    pub import: &'static Import,
    /// Well-formed ids, by Segment's names of the settings.
    pub ids: &'static [(&'static str, &'static str)],
    /// Segment's name of the token; `None` if its settings hold none.
    pub token: Option<&'static str>,
    /// Lines of TOML that the sinks of [`GoldenVendor::destination`] have and an imported table has not.
    pub settings: &'static str,
}

impl GoldenImport {
    /// Imports the presets of every destination and the mappings of the golden cases.
    ///
    /// # Panics
    /// If a table does not load, its records differ from those of the mapping it comes from, or an output holds the token.
    pub fn check<G: GoldenVendor>(&self, vendor: &G) {
        let listed = segment_imports();
        let listed: Vec<_> = listed
            .iter()
            .map(|import| (import.plugin, (import.destinations)()))
            .collect();
        assert_eq!(listed, [(self.import.plugin, self.import.names())]);
        for destination in self.import.destinations {
            for action in destination.actions {
                let preset = action.preset.map(|name| (name, destination.spec.preset(name)));
                assert!(!matches!(preset, Some((_, None))), "{action:?}");
            }
            self.check_presets::<G>(vendor, destination);
            self.check_cases(vendor, destination);
        }
    }

    /// The presets as they are become a list.
    fn check_presets<G: GoldenVendor>(&self, vendor: &G, destination: &'static Destination) {
        let plain = |preset: &'static Preset| Subscription {
            case: String::new(),
            name: preset.name.to_owned(),
            preset,
            trigger: preset.trigger().unwrap(),
            mapping: {
                let mut mapping = destination.spec.default_mapping(Some(preset), Compat::Segment);
                mapping.extend(vendor.overrides(preset.name, Compat::Segment));
                mapping
            },
        };
        let presets = destination.spec.presets.iter();
        let all: Vec<_> = presets
            .filter(|preset| preset.is_default(Compat::Segment))
            .map(plain)
            .collect();
        let head = |toml: &str| {
            toml.lines()
                .take_while(|line| !line.is_empty())
                .last()
                .unwrap_or_default()
                .to_owned()
        };
        let needs_more = !vendor.overrides(all[0].preset.name, Compat::Segment).is_empty();
        let (toml, _) = self.imported(destination, &all, 1);
        if needs_more {
            assert_eq!(head(&toml), "presets = \"none\"", "{toml}");
        } else {
            assert!(toml.ends_with("\npresets = \"all\"\n"), "{toml}");
            let (toml, _) = self.imported(destination, &all[1..3], 2);
            let list = format!("\npresets = [{:?}, {:?}]\n", all[1].name, all[2].name);
            assert!(toml.ends_with(&list), "{toml}");
        }
        self.sink(&toml);
    }

    /// Several cases share a destination: building a sink takes longer than everything else.
    fn check_cases<G: GoldenVendor>(&self, vendor: &G, destination: &'static Destination) {
        let (pairs, _) = pairs::<G>("cases.jsonl", "golden.jsonl");
        let cases: Vec<&Case> = pairs
            .iter()
            .map(|(case, _)| case)
            .filter(|case| {
                std::ptr::eq(vendor.spec(case, Compat::Segment), destination.spec) && !case.has_settings()
            })
            .filter(|case| case.overrides().next().is_some() || case.subscribe.is_some())
            .collect();
        let mut sent = 0;
        for (form, cases) in cases.chunks(24).enumerate() {
            let subscriptions: Vec<_> = cases
                .iter()
                .flat_map(|case| Subscription::of(vendor, destination, case))
                .collect();
            let (toml, notes) = self.imported(destination, &subscriptions, form);
            let sink = self.sink(&toml);
            for case in cases {
                let Some(event) = case.events().next().and_then(event) else {
                    continue;
                };
                let made = summary(sink.prepare(&event));
                for one in subscriptions.iter().filter(|one| one.case == case.name) {
                    let made = made
                        .iter()
                        .find(|(name, _)| *name == one.name)
                        .map(|(_, made)| made);
                    match (made, one.run(vendor, destination, case, &event)) {
                        (Some(Ok(made)), Some(Ok(expected))) => {
                            assert!(
                                same(made, &expected),
                                "{}: {made} instead of {expected}\n{toml}",
                                one.name
                            );
                            sent += 1;
                        }
                        // The import may leave out a mapping that Segment refuses for every event, if a note says so.
                        (None, Some(Err(_))) => {
                            let told = |note: &String| note.contains("left out") && note.contains(&one.name);
                            assert!(notes.iter().any(told), "{}", one.name);
                        }
                        (made, expected) => assert_eq!(made, expected.as_ref(), "{}", one.name),
                    }
                }
            }
        }
        println!(
            "{}: {sent} records of {} imported cases",
            destination.name,
            cases.len()
        );
        assert!(
            2 * sent >= cases.len(),
            "{}: {sent} of {}",
            destination.name,
            cases.len()
        );
    }

    /// Returns the table and the notes of a destination with these subscriptions, written in one of four forms.
    fn imported(
        &self,
        destination: &Destination,
        subscriptions: &[Subscription],
        form: usize,
    ) -> (String, Vec<String>) {
        let imports = self
            .import
            .run(&self.written(destination, subscriptions, form))
            .unwrap();
        let all = format!("{imports:?}");
        assert!(!all.contains(TOKEN), "{all}");
        assert_eq!(imports.sinks.len(), 1, "{all}");
        let sink = &imports.sinks[0];
        assert_eq!(sink.sink, destination.sink);
        (sink.toml.clone(), sink.notes.clone())
    }

    /// The same destination in each of the forms it can come in.
    fn written(&self, destination: &Destination, subscriptions: &[Subscription], form: usize) -> String {
        let list = |action: &str, trigger: &str, mapping: &str, as_text: bool| -> Vec<Json> {
            let one = |(index, one): (usize, &Subscription)| {
                let fields = Json::Object(one.mapping.clone());
                let fields = if as_text {
                    Json::String(fields.to_string())
                } else {
                    fields
                };
                json!({ "name": one.name, action: one.slug(destination, index), trigger: one.trigger, mapping: fields })
            };
            subscriptions.iter().enumerate().map(one).collect()
        };
        let known = destination
            .settings
            .iter()
            .filter_map(|setting| setting.segment());
        let ids = known.filter_map(|key| self.ids.iter().find(|(name, _)| *name == key));
        let mut settings: Map<String, Json> =
            ids.map(|(key, id)| ((*key).to_owned(), (*id).into())).collect();
        settings.extend(self.token.map(|key| (key.to_owned(), TOKEN.into())));
        match form % 4 {
            0 => {
                let destination = json!({ "data": { "destination": {
                    "id": "d1", "name": "Ads", "enabled": true, "settings": settings,
                    "metadata": { "slug": "-", "name": destination.name }
                } } });
                let subscriptions = json!({ "data": {
                    "subscriptions": list("actionSlug", "trigger", "settings", false),
                    "pagination": { "current": "MA==", "totalEntries": 1 }
                } });
                format!("{destination}\n{subscriptions}\n")
            }
            1 => {
                let presets = list("partnerAction", "subscribe", "mapping", false);
                json!({ "settings": settings, "presets": presets }).to_string()
            }
            2 => {
                let subscriptions = list("partnerAction", "subscribe", "mapping", false);
                settings.insert("subscriptions".to_owned(), subscriptions.into());
                json!({ "destination": { "settings": settings } }).to_string()
            }
            _ => {
                let subscriptions = list("actionSlug", "trigger", "settings", true);
                json!({ "settings": settings, "subscriptions": subscriptions }).to_string()
            }
        }
    }

    /// Builds the sink of a table. Does the loader's part: takes `inputs` away, makes `$$` a `$`, fills in variables.
    pub fn sink(&self, toml: &str) -> Box<dyn Sink> {
        fn plain(value: &mut toml::Value) {
            match value {
                toml::Value::String(text) => {
                    *text = match text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) {
                        Some(variable) => variable.to_owned(),
                        None => text.replace("$$", "$"),
                    };
                }
                toml::Value::Array(items) => items.iter_mut().for_each(plain),
                toml::Value::Table(members) => members.iter_mut().for_each(|(_, member)| plain(member)),
                _ => {}
            }
        }
        let mut file: toml::Value = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
        plain(&mut file);
        let sinks = file["sinks"].as_table().unwrap();
        let mut table = sinks.values().next().unwrap().clone();
        let members = table.as_table_mut().unwrap();
        assert!(members.remove("inputs").is_some());
        // A key of the runtime, like the inputs, and only there if the destination is switched off.
        members.remove("enabled");
        members.extend(toml::from_str::<toml::Table>(self.settings).unwrap());
        let config: Box<dyn SinkConfig> = table.try_into().unwrap_or_else(|error| panic!("{error}\n{toml}"));
        let context = BuildContext {
            name: "imported".into(),
            place: Side::Sink,
        };
        let built = config.build(&context);
        built
            .unwrap_or_else(|errors| panic!("{errors:?}\n{toml}"))
            .component
    }
}

/// A subscription of a case, with the whole mapping.
struct Subscription {
    case: String,
    name: String,
    preset: &'static Preset,
    trigger: String,
    mapping: Map<String, Json>,
}

impl Subscription {
    fn of<G: GoldenVendor>(vendor: &G, destination: &'static Destination, case: &Case) -> Vec<Subscription> {
        let spec = destination.spec;
        let event = case.events().next().and_then(event);
        let listens = |preset: &Preset| match (&case.preset, &case.subscribe) {
            (Some(_), _) => true,
            // The other presets would be the same over again.
            (None, Some(_)) => *preset == spec.presets[0] || *preset == spec.presets[5],
            (None, None) => {
                let fires = |event| Trigger::Preset(preset.listens).matches(event);
                event.as_ref().is_some_and(fires)
            }
        };
        let presets: Vec<(&str, &'static Preset)> = match &case.preset {
            Some(name) => vec![(name, vendor.preset(spec, name).unwrap())],
            None => spec
                .presets
                .iter()
                .filter(|preset| preset.is_in(Compat::Segment))
                .map(|preset| (preset.name, preset))
                .collect(),
        };
        let one = |(name, preset): (&str, &'static Preset)| {
            let mut mapping = spec.default_mapping(Some(preset), Compat::Segment);
            for (path, value) in vendor.overrides(name, Compat::Segment) {
                set(&mut mapping, &path, Some(value));
            }
            for (path, value) in case.overrides() {
                set(&mut mapping, path, value.cloned());
            }
            let by_default = || {
                preset
                    .trigger()
                    .or_else(|| vendor.trigger(name).map(str::to_owned))
            };
            Subscription {
                case: case.name.clone(),
                name: format!("{}, {name}", case.name),
                preset,
                trigger: case.subscribe.clone().or_else(by_default).unwrap(),
                mapping,
            }
        };
        presets
            .into_iter()
            .filter(|(_, preset)| listens(preset))
            .map(one)
            .collect()
    }

    /// Returns one of the slugs that stand for the preset.
    fn slug(&self, destination: &Destination, index: usize) -> &'static str {
        let stands = |preset: Option<&str>| preset.is_none_or(|preset| preset == self.preset.name);
        let actions = destination.actions.iter();
        let slugs: Vec<_> = actions
            .filter(|action| stands(action.preset))
            .map(|action| action.slug)
            .collect();
        slugs[index % slugs.len()]
    }

    /// Returns the result of Segment's rules for an event, without any pipeline file.
    fn run<G: GoldenVendor>(
        &self,
        vendor: &G,
        destination: &'static Destination,
        case: &Case,
        event: &Event,
    ) -> Option<Result<Json, String>> {
        let Ok(trigger) = fql::Trigger::parse(&self.trigger) else {
            return Some(Err("trigger".into()));
        };
        let draft = Draft::whole(
            destination.spec,
            Some(self.preset),
            Compat::Segment,
            self.mapping.clone(),
        );
        let Ok(mapping) = draft.compile(&self.name, Trigger::Fql(trigger)) else {
            return Some(Err("mapping".into()));
        };
        let sink = vendor.destination(case, Compat::Segment, vec![mapping]).unwrap();
        summary(sink.encode(event)).pop().map(|(_, result)| result)
    }
}

/// Each mapping's name with its record, or the code of its refusal.
fn summary(prepared: Prepared) -> Vec<(String, Result<Json, String>)> {
    let Prepared::Mapped(results) = prepared else {
        return Vec::new();
    };
    let one = |result| match result {
        Ok(record) => {
            let record: signalbox_core::Record = record;
            (
                record.mapping.to_string(),
                Ok(serde_json::from_slice(&record.bytes).unwrap()),
            )
        }
        Err(rejection) => {
            let rejection: signalbox_core::Rejection = rejection;
            (
                rejection.mapping.to_string(),
                Err(rejection.reason.code().to_owned()),
            )
        }
    };
    results.into_iter().map(one).collect()
}
