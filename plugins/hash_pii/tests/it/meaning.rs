//! Values found by the meaning of their keys, and texts that are scrubbed.

use serde_json::{Value, json};

use crate::{made, sha};

fn properties(properties: Value) -> Value {
    json!({ "type": "track", "event": "Order Completed", "messageId": "m", "properties": properties })
}

#[test]
fn keys_are_found_in_any_spelling_and_at_any_depth() {
    let email = "ada@example.com";
    let made = made(
        "",
        &properties(json!({
            "customer_email": email,
            "Email": email,
            "contactEmail": email,
            "E-Mail": email,
            "phone_number": "+33612345678",
            "customer": { "email": email, "name": "Ada Byron", "state": "enabled" },
            "billing_address": {
                "first_name": "Ada", "last_name": "Byron", "address1": "1 Main St", "zip": 75001, "phone": "+33612345678",
                "company": "Example Ltd",
            },
            "order": [{ "recipients": [{ "emails": [email, "grace@example.com"] }] }],
            "recipient_name": "Grace Hopper",
            "name": "Lamp", "brand": "Example", "category": "Lights", "coupon": "SPRING",
            "products": [{ "name": "Lamp", "brand": "Example", "sku": "L-1" }],
            "email_verified": true, "email_opt_in": "yes", "mobile": true, "phone": "none",
        })),
    );
    let phone = sha("33612345678");
    let found = &made.payload["properties"];
    for (key, expected) in [
        ("customer_email", sha(email)),
        ("Email", sha(email)),
        ("contactEmail", sha(email)),
        ("E-Mail", sha(email)),
        ("phone_number", phone.clone()),
        (
            "customer",
            json!({ "email": sha(email), "state": "enabled", "firstName": sha("ada"), "lastName": sha("byron") }),
        ),
        (
            "billing_address",
            json!({
                "first_name": sha("ada"), "last_name": sha("byron"), "address1": sha("1mainst"), "zip": sha("75001"),
                "phone": phone, "company": "Example Ltd",
            }),
        ),
        (
            "order",
            json!([{ "recipients": [{ "emails": [sha(email), sha("grace@example.com")] }] }]),
        ),
        ("name", json!("Lamp")),
        ("brand", json!("Example")),
        ("category", json!("Lights")),
        ("coupon", json!("SPRING")),
        (
            "products",
            json!([{ "name": "Lamp", "brand": "Example", "sku": "L-1" }]),
        ),
        ("email_verified", json!(true)),
        ("email_opt_in", json!("yes")),
        ("mobile", json!(true)),
    ] {
        assert_eq!(found[key], expected, "{key}");
    }
    assert!(!found["recipient_name"].as_str().unwrap().contains("Grace"));
    for path in [
        "properties.customer_email",
        "properties.billing_address.zip",
        "properties.customer.firstName",
        "properties.order.recipients.emails",
    ] {
        assert!(
            made.hashed.iter().any(|hashed| hashed == path),
            "{path}: {:?}",
            made.hashed
        );
    }
}

#[test]
fn places_that_tell_of_no_person_stay() {
    let payload = json!({
        "type": "track", "event": "Order Completed", "messageId": "m",
        "context": {
            "campaign": { "name": "Spring" }, "app": { "name": "Shop" }, "os": { "name": "iOS" },
            "device": { "name": "Phone 15" }, "library": { "name": "analytics.js" }, "location": { "city": "Paris" },
        },
        "integrations": { "Ads": { "email": "not-for-us@example.com" } },
        "properties": { "store": { "city": "Paris", "name": "Main" }, "hotel": "Grand", "filename": "a.pdf" },
    });
    assert_eq!(made("", &payload).payload, payload);
}

#[test]
fn groups_keep_their_company() {
    let payload = json!({
        "type": "group", "messageId": "m", "groupId": "g",
        "traits": { "name": "Example Ltd", "billing_city": "Paris", "contact_email": "ada@example.com" },
    });
    let traits = &made("", &payload).payload["traits"];
    assert_eq!(traits["name"], "Example Ltd");
    assert_eq!(traits["billing_city"], "Paris");
    assert_eq!(traits["contact_email"], sha("ada@example.com"));
}

#[test]
fn urls_and_searches_of_the_event_are_scrubbed() {
    let payload = json!({
        "type": "page", "messageId": "m",
        "context": { "page": {
            "url": "https://s.example/thanks?email=ada%40example.com&page=2",
            "path": "/u/ada@example.com/orders",
            "referrer": "https://ada:secret@s.example/",
            "search": "?email=ada%40example.com&page=2",
            "title": "Orders of ada@example.com",
        } },
        "properties": {
            "url": "https://s.example/reset?token=a1b2c3", "query": "ada@example.com", "search": "?q=lamp", "title": "Lamps",
            "products": [{ "url": "https://s.example/p/1?size=42" }],
        },
    });
    let made = made("", &payload);
    assert_eq!(
        made.payload["context"]["page"],
        json!({
            "url": "https://s.example/thanks?page=2", "path": "/u/orders", "referrer": "https://s.example/", "search": "?page=2",
            "title": "Orders of",
        })
    );
    assert_eq!(
        made.payload["properties"],
        json!({
            "url": "https://s.example/reset", "search": "?q=lamp", "title": "Lamps",
            "products": [{ "url": "https://s.example/p/1?size=42" }],
        })
    );
    let codes = made.codes();
    for path in [
        "context.page.url",
        "context.page.search",
        "properties.url",
        "properties.query",
    ] {
        assert!(codes.contains(&(path, "scrubbed")), "{path}: {codes:?}");
    }
    let text = format!("{:?}", made.warnings);
    assert!(!text.contains("ada") && !text.contains("a1b2c3"), "{text}");
}

#[test]
fn exempt_paths_stay_and_only_defaults_look_at_keys() {
    let payload = properties(json!({
        "customer_email": "ada@example.com", "billing_address": { "city": "Paris" }, "url": "https://s.example/?token=a1",
        "contact_email": "ada@example.com",
    }));
    let keep = r#"keep = ["properties.customer_email", "properties.billing_address", "properties.url"]"#;
    let kept = made(keep, &payload).payload;
    assert_eq!(kept["properties"]["contact_email"], sha("ada@example.com"));
    for key in ["customer_email", "billing_address", "url"] {
        assert_eq!(kept["properties"][key], payload["properties"][key], "{key}");
    }
    let only = made(
        "defaults = false\npaths = { \"userId\" = \"external_id\" }",
        &payload,
    )
    .payload;
    assert_eq!(only, payload);
}

#[test]
fn keys_of_other_languages_are_found_and_products_stay() {
    let email = "ada@example.com";
    let made = made(
        "",
        &properties(json!({
            "Correo electrónico": email, "E-Mail-Adresse": email, "メールアドレス": email, "Электронная почта": email,
            "téléphone": "+33612345678", "телефон": "+33612345678", "電話番号": "+33612345678",
            "voornaam": "Ada", "Фамилия": "Byron", "姓名": "Ada Byron",
            "rechnungsadresse": { "ort": "Berlin", "stadt": "Berlin", "straße": "Hauptstr. 1" },
            "nombre": "Lámpara", "stadt": "Berlin", "商品名": "ランプ", "автомобиль": "Лада", "mobil": true,
        })),
    );
    let found = &made.payload["properties"];
    for key in [
        "Correo electrónico",
        "E-Mail-Adresse",
        "メールアドレス",
        "Электронная почта",
    ] {
        assert_eq!(found[key], sha(email), "{key}");
    }
    for key in ["téléphone", "телефон", "電話番号"] {
        assert_eq!(found[key], sha("33612345678"), "{key}");
    }
    assert_eq!(
        (&found["voornaam"], &found["Фамилия"]),
        (&sha("ada"), &sha("byron"))
    );
    assert!(!found["姓名"].as_str().is_some_and(|name| name.contains("Ada")));
    let address = &found["rechnungsadresse"];
    assert_eq!(address["stadt"], sha("berlin"));
    assert!(
        address["straße"]
            .as_str()
            .is_some_and(|street| street.len() == 64)
    );
    for (key, kept) in [
        ("nombre", json!("Lámpara")),
        ("stadt", json!("Berlin")),
        ("商品名", json!("ランプ")),
        ("автомобиль", json!("Лада")),
        ("mobil", json!(true)),
    ] {
        assert_eq!(found[key], kept, "{key}");
    }
}
