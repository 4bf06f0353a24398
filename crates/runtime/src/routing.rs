//! The sinks that an event is meant for, by its write key, its opt-out signals, its consent, then its `integrations` object.
//! Rules: Segment's documentation of both (Spec: Common Fields; Consent Management).

use signalbox_core::{Event, Kind, Node, OptOutSignal, Reason, Signalled};

/// The rules that let events through to one sink.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// The sink's name in the pipeline file.
    pub sink: String,
    /// The sink's name in `integrations`.
    pub integration: String,
    /// Consent categories that must all be granted; none means consent is not asked for.
    pub consent_categories: Vec<String>,
    /// True to filter an event without consent preferences if `consent_categories` are set.
    pub filter_without_consent: bool,
    /// Signals by which a user opts out of this sink.
    pub opt_out_signals: Vec<OptOutSignal>,
}

impl Route {
    /// Checks that the event may go to this sink.
    ///
    /// # Errors
    /// The reason why it is filtered.
    pub fn admits(&self, event: &Event) -> Result<(), Reason> {
        self.source(event)?;
        self.opt_out(event)?;
        self.consent(event)?;
        self.integrations(event)
    }

    /// Applies the rules one by one, for explanations: each with its name and a sentence about the result. The list ends with
    /// the first rule that filters the event.
    pub fn rules(&self, event: &Event) -> Vec<(&'static str, Result<String, Reason>)> {
        let write_key = match &event.facts().sinks {
            None => "no write key limits the event to some sinks",
            Some(_) => "the event's write key is set up for this sink",
        };
        let opt_out = match self.opt_out_signals.is_empty() {
            true => "the sink reads no opt-out signals",
            false => "no signal says that the user opted out",
        };
        let consent = match self.consent_categories.join(", ") {
            none if none.is_empty() => "the sink asks for no consent".to_owned(),
            categories if preferences(event).is_some() => format!("the event's consent grants {categories}"),
            _ => "the event has no consent preferences, and the sink takes it all the same".to_owned(),
        };
        let integrations = match event.root().get("integrations") {
            None => "the event has no integrations object",
            Some(_) => "the event's integrations object does not switch the sink off",
        };
        let all: [(&'static str, Result<(), Reason>, String); 4] = [
            ("write_key", self.source(event), write_key.to_owned()),
            ("opt_out", self.opt_out(event), opt_out.to_owned()),
            ("consent", self.consent(event), consent),
            ("integrations", self.integrations(event), integrations.to_owned()),
        ];
        let mut rules = Vec::new();
        for (name, result, told) in all {
            let filters = result.is_err();
            rules.push((name, result.map(|()| told)));
            if filters {
                break;
            }
        }
        rules
    }

    fn source(&self, event: &Event) -> Result<(), Reason> {
        match &event.facts().sinks {
            Some(sinks) if !sinks.contains(&self.sink) => Err(Reason::new(
                "not_for_this_sink",
                "the event's write key is set up for other sinks only",
            )),
            _ => Ok(()),
        }
    }

    fn opt_out(&self, event: &Event) -> Result<(), Reason> {
        for signal in &self.opt_out_signals {
            let message = match signal.read(event) {
                Signalled::Nothing | Signalled::No => continue,
                Signalled::OptedOut => format!("the user opted out, by the signal '{}'", signal.name()),
                Signalled::Unreadable { path, why } => format!(
                    "the signal '{}' at {path} cannot be read and counts as an opt-out: {why}",
                    signal.name()
                ),
            };
            return Err(Reason::new("opted_out", message));
        }
        Ok(())
    }

    fn consent(&self, event: &Event) -> Result<(), Reason> {
        if self.consent_categories.is_empty() {
            return Ok(());
        }
        let Some(preferences) = preferences(event) else {
            return if self.filter_without_consent {
                let message = "the event has no consent preferences, and this sink sends none without";
                Err(Reason::new("no_consent", message))
            } else {
                Ok(())
            };
        };
        for category in &self.consent_categories {
            let preference = preferences.get(category);
            let (said, why) = match preference.and_then(Node::as_bool) {
                Some(true) => continue,
                Some(false) => ("denies", ""),
                None if preference.is_none_or(Node::is_null) => ("does not grant", ""),
                // Consent must be certain, and a text such as "true" may be a name or a default.
                None => ("does not grant", ": only the boolean true does"),
            };
            let message = format!("the event's consent {said} the category '{category}'{why}");
            return Err(Reason::new("no_consent", message));
        }
        Ok(())
    }

    fn integrations(&self, event: &Event) -> Result<(), Reason> {
        let Some(integrations) = event
            .root()
            .get("integrations")
            .filter(|node| node.kind() == Kind::Object)
        else {
            return Ok(());
        };
        let refuses = |key: &str| {
            integrations
                .get(key)
                .map(|value| value.is_null() || value.as_bool() == Some(false))
        };
        let own = refuses(&self.integration);
        // The Go SDK writes `all`.
        let excluded = own
            .or_else(|| refuses("All"))
            .or_else(|| refuses("all"))
            .unwrap_or(false);
        if excluded {
            let key = if own.is_some() { &self.integration } else { "All" };
            return Err(Reason::new(
                "integrations_excluded",
                format!("the event's integrations object switches '{key}' off"),
            ));
        }
        Ok(())
    }
}

/// Returns the event's consent preferences.
fn preferences(event: &Event) -> Option<Node<'_>> {
    let context = event.root().get("context")?;
    let preferences = context.get("consent")?.get("categoryPreferences")?;
    (!preferences.is_null()).then_some(preferences)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Receipt;

    fn admits(categories: &[&str], event: &str) -> bool {
        let route = Route {
            sink: "pinterest".into(),
            integration: "Pinterest Conversions API".into(),
            consent_categories: categories.iter().map(|&c| c.to_owned()).collect(),
            ..Route::default()
        };
        let receipt = Receipt {
            source: "s".into(),
            received_at: 0,
        };
        route.admits(&Event::parse(event, receipt).unwrap()).is_ok()
    }

    #[test]
    fn integrations() {
        for (expected, integrations) in [
            (true, "{}"),
            (true, "null"),
            (true, r#"{"All":true}"#),
            (false, r#"{"All":false}"#),
            (false, r#"{"all":false}"#),
            (true, r#"{"All":false,"Pinterest Conversions API":true}"#),
            (
                true,
                r#"{"All":false,"Pinterest Conversions API":{"click_id":"x"}}"#,
            ),
            (false, r#"{"All":true,"Pinterest Conversions API":false}"#),
            (false, r#"{"Pinterest Conversions API":null}"#),
            (true, r#"{"pinterest conversions api":false,"Segment.io":true}"#),
            (true, r#"{"All":true,"all":false}"#),
        ] {
            assert_eq!(
                admits(&[], &format!(r#"{{"integrations":{integrations}}}"#)),
                expected,
                "{integrations}"
            );
        }
    }

    #[test]
    fn a_source_may_allow_some_sinks_only() {
        let route = Route {
            sink: "archive".into(),
            ..Route::default()
        };
        let receipt = Receipt {
            source: "s".into(),
            received_at: 0,
        };
        let mut event = Event::parse(r#"{"integrations":{"All":true}}"#, receipt).unwrap();
        for (sinks, admitted) in [
            (None, true),
            (Some(vec!["archive".to_owned()]), true),
            (Some(vec!["pinterest".to_owned()]), false),
            (Some(Vec::new()), false),
        ] {
            event.facts_mut().sinks = sinks;
            assert_eq!(route.admits(&event).is_ok(), admitted, "{event:?}");
        }
    }

    #[test]
    fn consent() {
        for (expected, categories, context) in [
            (true, &["ads"][..], "{}"),
            (true, &["ads"], r#"{"consent":{}}"#),
            (false, &["ads"], r#"{"consent":{"categoryPreferences":{}}}"#),
            (true, &[], r#"{"consent":{"categoryPreferences":{}}}"#),
            (
                true,
                &["ads"],
                r#"{"consent":{"categoryPreferences":{"ads":true}}}"#,
            ),
            (
                false,
                &["ads", "c2"],
                r#"{"consent":{"categoryPreferences":{"ads":true}}}"#,
            ),
            (
                false,
                &["ads"],
                r#"{"consent":{"categoryPreferences":{"ads":false}}}"#,
            ),
            (
                false,
                &["ads"],
                r#"{"consent":{"categoryPreferences":{"ads":"true"}}}"#,
            ),
        ] {
            assert_eq!(
                admits(categories, &format!(r#"{{"context":{context}}}"#)),
                expected,
                "{context}"
            );
        }
        // Only `filter_without_consent` is stricter where nothing was asked.
        let strict = |event: &str| {
            let receipt = Receipt {
                source: "s".into(),
                received_at: 0,
            };
            let route = Route {
                consent_categories: vec!["ads".into()],
                filter_without_consent: true,
                ..Route::default()
            };
            route.admits(&Event::parse(event, receipt).unwrap()).is_ok()
        };
        assert!(!strict("{}"));
        assert!(!strict(r#"{"context":{"consent":{"categoryPreferences":null}}}"#));
        assert!(!strict(
            r#"{"context":{"consent":{"categoryPreferences":{"ads":"true"}}}}"#
        ));
        assert!(strict(
            r#"{"context":{"consent":{"categoryPreferences":{"ads":true}}}}"#
        ));
        // Consent first: an explicit integrations entry does not override it.
        assert!(!admits(
            &["ads"],
            r#"{"integrations":{"Pinterest Conversions API":true},"context":{"consent":{"categoryPreferences":{}}}}"#
        ));
    }

    #[test]
    fn the_rules_tell_what_admits_and_what_filters() {
        let route = Route {
            sink: "pinterest".into(),
            integration: "Pinterest Conversions API".into(),
            consent_categories: vec!["ads".into()],
            opt_out_signals: vec![OptOutSignal::Gpc],
            ..Route::default()
        };
        for event in [
            "{}",
            r#"{"integrations":{"All":false}}"#,
            r#"{"context":{"privacy":{"gpc":true}}}"#,
            r#"{"context":{"consent":{"categoryPreferences":{"ads":false}}}}"#,
            r#"{"context":{"consent":{"categoryPreferences":{"ads":true}}},"integrations":{"All":true}}"#,
        ] {
            let receipt = Receipt {
                source: "s".into(),
                received_at: 0,
            };
            let event = Event::parse(event, receipt).unwrap();
            let rules = route.rules(&event);
            let last = rules.last().unwrap();
            assert_eq!(
                last.1.as_ref().err(),
                route.admits(&event).as_ref().err(),
                "{event:?}"
            );
            let filtering = rules.iter().filter(|(_, result)| result.is_err()).count();
            assert_eq!(filtering, usize::from(route.admits(&event).is_err()));
            assert!(filtering == 1 || rules.len() == 4, "{rules:?}");
        }
    }

    #[test]
    fn opt_out_signals() {
        let route = Route {
            opt_out_signals: vec![OptOutSignal::Gpc, OptOutSignal::UsPrivacy],
            ..Route::default()
        };
        for (code, event) in [
            (None, "{}"),
            (
                None,
                r#"{"context":{"privacy":{"gpc":false,"us_privacy":"1YNN"}}}"#,
            ),
            (None, r#"{"context":{"gpp":"DBABLA~BVVVkkkkkpFY.YA"}}"#),
            (Some("opted_out"), r#"{"context":{"privacy":{"gpc":true}}}"#),
            (Some("opted_out"), r#"{"context":{"us_privacy":"1YYN"}}"#),
            (
                Some("opted_out"),
                r#"{"context":{"us_privacy":"ada@example.com"}}"#,
            ),
        ] {
            let receipt = Receipt {
                source: "s".into(),
                received_at: 0,
            };
            let admitted = route.admits(&Event::parse(event, receipt).unwrap());
            let reason = admitted.err();
            assert_eq!(reason.as_ref().map(Reason::code), code, "{event}");
            assert!(!format!("{reason:?}").contains("ada"), "{reason:?}");
        }
        let receipt = Receipt {
            source: "s".into(),
            received_at: 0,
        };
        let event = Event::parse(r#"{"context":{"privacy":{"gpc":true}}}"#, receipt).unwrap();
        assert!(Route::default().admits(&event).is_ok());
    }
}
