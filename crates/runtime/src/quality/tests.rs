//! Qualities of constructed sums, and the rule's documentation.

use signalbox_core::Parameters;

use super::*;

fn sum(name: &str, outcome: &str, reason: &str, count: i64) -> Sum {
    Sum {
        group: ["ads", name, outcome, reason].map(str::to_owned).to_vec(),
        count,
        ..Sum::default()
    }
}

fn rated(name: &str) -> Option<Rated> {
    let mut expected = Parameters::default();
    expected.add(Parameter::EventId, true);
    expected.add(Parameter::Value, name == "checkout");
    let key = |name, kind, sent_as| RatedKey { name, kind, sent_as };
    Some(Rated {
        match_keys: vec![
            key("ip", Identifier::IpAddress, &[]),
            key("email", Identifier::Email, &[]),
            key("advertising_id", Identifier::MobileAdId, &["idfa", "gaid"]),
        ],
        expected,
    })
}

fn counted<const N: usize>(counts: [(&str, i64); N]) -> BTreeMap<String, i64> {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

#[test]
fn a_sink_is_the_mean_of_its_names() {
    // Of two currencies, so that the name has two sums.
    let euros = Sum {
        currency: "EUR".into(),
        late: 10,
        match_keys: counted([("email", 60), ("ip", 60)]),
        parameters: counted([("value", 60), ("event_id", 60)]),
        warnings: counted([("no_country_code user_data.phone", 41), ("scrubbed", 1)]),
        ..sum("checkout", "delivered", "", 60)
    };
    let dollars = Sum {
        currency: "USD".into(),
        match_keys: counted([("ip", 40)]),
        parameters: counted([("value", 40), ("event_id", 40)]),
        ..sum("checkout", "delivered", "", 40)
    };
    let visits = Sum {
        parameters: counted([("event_id", 300)]),
        ..sum("page_visit", "delivered", "", 300)
    };
    let sums = [
        euros,
        dollars,
        visits,
        sum("checkout", "rejected", "no_identifier", 7),
        sum("Help Opened", "filtered", NO_TRIGGER_MATCHED, 5),
        sum("Checkout", "filtered", "consent", 9),
    ];
    let quality = of_sink("ads", &sums, rated);
    assert_eq!(quality.records, 400);
    let names: Vec<(&str, u64, u32)> = quality
        .events
        .iter()
        .map(|event| (&*event.event_name, event.records, event.score))
        .collect();
    // (12 × (24 + 10) + 4 × 100) / 16, less a twentieth for late records; (12 × 0 + 2 × 100) / 14.
    assert_eq!(names, [("page_visit", 300, 14), ("checkout", 100, 48)]);
    // (300 × 14 + 100 × 48) / 400 = 22.5
    assert_eq!(
        (quality.score, quality.grade),
        (23, Some(Grade::NeedsImprovement))
    );
    let unheard: Vec<(&str, u64)> = quality
        .unheard
        .iter()
        .map(|one| (&*one.event, one.events))
        .collect();
    assert_eq!(unheard, [("Help Opened", 5)]);
    let checkout = &quality.events[1];
    assert_eq!(checkout.grade, Grade::Fair);
    assert_eq!(checkout.match_keys[0].share, Share::of(60, 100));
    assert_eq!(checkout.late.percent, "10");
    let warnings: Vec<&str> = checkout
        .warnings
        .iter()
        .map(|warning| &*warning.sentence)
        .collect();
    assert_eq!(
        warnings,
        [
            "phone: 41 % without country code",
            "1 % with personal data that was taken out"
        ]
    );
    let first = &checkout.lifts[0];
    assert_eq!(
        first.sentence,
        "E-mail address: 60 % of the events carry it. If all did, the score would rise from 48 to 59 (FAIR)."
    );
    assert_eq!(checkout.lifts[1].name, "late");
}

#[test]
fn a_key_with_several_names_is_one_key() {
    let installs = Sum {
        match_keys: counted([("idfa", 60), ("gaid", 40)]),
        parameters: counted([("event_id", 100)]),
        ..sum("install", "delivered", "", 100)
    };
    let quality = of_sink("ads", &[installs], rated);
    let install = &quality.events[0];
    assert_eq!(
        (&*install.match_keys[1].name, install.match_keys[1].share.records),
        ("advertising_id", 100)
    );
    assert_eq!(install.score, 49, "(12 × 40 + 2 × 100) / 14");
    assert!(install.lifts.iter().all(|lift| lift.name != "advertising_id"));
}

#[test]
fn nothing_delivered_has_no_grade() {
    let quality = of_sink("ads", &[sum("lead", "rejected", "no_identifier", 7)], rated);
    assert_eq!(
        (quality.grade, quality.records, quality.events.len()),
        (None, 0, 0)
    );
}

#[test]
fn the_documentation_has_the_points_and_weights() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/quality.md");
    let docs = std::fs::read_to_string(path).unwrap();
    for (kind, words) in [
        (Identifier::Email, "e-mail address"),
        (Identifier::MobileAdId, "advertising id of the device"),
        (Identifier::ClickId, "click id"),
        (Identifier::Phone, "phone number"),
        (Identifier::ExternalId, "your own user id (external id)"),
        (Identifier::BrowserId, "browser id"),
        (Identifier::IpAddress, "IP address"),
        (Identifier::UserAgent, "user agent"),
        (
            Identifier::Detail,
            "a name, a date of birth, a gender, a part of the address, each",
        ),
    ] {
        let row = format!("| {words} | {} |", points(kind));
        assert!(docs.contains(&row), "{row}");
    }
    for parameter in Parameter::ALL {
        let row = format!("| `{}` | {} |", parameter.name(), rule::weight(parameter));
        assert!(docs.contains(&row), "{row}");
    }
}
