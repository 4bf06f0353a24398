//! URLs, and what stays of them.

use proptest::prelude::*;

use super::*;

fn stays(url: &str) -> String {
    scrub_url(url).map_or_else(|| url.to_owned(), |scrubbed| scrubbed.text)
}

#[test]
fn clean_urls_stay_byte_for_byte() {
    for url in [
        "https://s.example/p/red-shoes?utm_source=ads&size=42",
        "https://s.example",
        "https://s.example/",
        "https://s.example/?",
        "https://s.example/#",
        "https://s.example/a?b=&c&&d=%20+x#top",
        "https://s.example/search?q=rote+Schuhe&page=2&sort_key=price&order=1234567890",
        "https://s.example/@ada/post/1?utm_content=@ada",
        "https://cdn.example/react@18.2.0/index.js",
        "https://cdn.example/logo@2x.png",
        "https://s.example/p/9781234567897/checkout?variant=44012345678901",
        "https://s.example/sale?code=SUMMER2026&discount=10%25",
        "https://s.example/?click=IwAR0abcdefghijklmnop-qrstuvwxyz0123456789_ABC",
        "https://s.example/?click=dj0yJnU9ZXlKb3VyJm49c29tZXRoaW5n&x=1",
        "https://s.example/store?city=paris&name=red-shoes&country=fr&state=open",
        "https://s.example/p/550e8400-e29b-41d4-a716-446655440000",
        "/relative/path?x=1",
        "?x=1",
        "app://home/screen",
        "android-app://com.example.shop/https/s.example",
        "https://s.example//@ada/1",
        "https://esm.example/npm:react@18.2.0/index.js",
        "https://s.example/wiki/Lamp_(2011)",
        "image:logo.png",
        "",
        " ",
    ] {
        assert_eq!(scrub_url(url), None, "{url}");
    }
}

#[test]
fn personal_parts_and_secrets_go() {
    for (url, expected) in [
        (
            "https://s.example/thanks?email=ada%40example.com&key=wc_order_abc",
            "https://s.example/thanks",
        ),
        (
            "https://s.example/u/ada@example.com/orders",
            "https://s.example/u/orders",
        ),
        ("https://s.example/u/ada%40example.com", "https://s.example/u"),
        ("https://s.example/u/ada%2540example.com/", "https://s.example/u/"),
        ("https://ada:secret@s.example/x", "https://s.example/x"),
        (
            "https://ada@example.com@s.example:8080/x?y=1",
            "https://s.example:8080/x?y=1",
        ),
        ("//ada@s.example/x", "//s.example/x"),
        (
            "https://s.example/reset?token=a1b2c3&lang=fr",
            "https://s.example/reset?lang=fr",
        ),
        (
            "https://s.example/s?q=grace%40example.org&page=2",
            "https://s.example/s?page=2",
        ),
        (
            "https://s.example/cb?contact=%2B14155550100&page=2",
            "https://s.example/cb?page=2",
        ),
        (
            "https://s.example/cb?contact=+1-415-555-0100",
            "https://s.example/cb",
        ),
        (
            "https://s.example/cb?x=1&tel=06%2012%2034%2056%2078",
            "https://s.example/cb?x=1",
        ),
        (
            "https://s.example/cb?x=1&Phone_Number=4155550100&y=2",
            "https://s.example/cb?x=1&y=2",
        ),
        (
            "https://s.example/?q=call+%2B1+415+555+0100&x=1",
            "https://s.example/?x=1",
        ),
        (
            "https://s.example/?q=call%20%2B14155550100%20now&x=1",
            "https://s.example/?x=1",
        ),
        ("https://s.example/call/+14155550100", "https://s.example/call"),
        (
            "https://s.example/?firstName=Ada&last_name=Byron&x=1",
            "https://s.example/?x=1",
        ),
        (
            "https://s.example/?billing%5Bcity%5D=Paris&x=1",
            "https://s.example/?x=1",
        ),
        (
            "https://s.example/?user%5Bemail%5D=none&x=1",
            "https://s.example/?x=1",
        ),
        (
            "https://s.example/?address=1+Main+St&zip=75001&country=fr",
            "https://s.example/?country=fr",
        ),
        (
            "https://s.example/cb#access_token=abc&state=open",
            "https://s.example/cb#state=open",
        ),
        ("https://s.example/cb#access_token=abc", "https://s.example/cb"),
        (
            "https://s.example/app#/thanks?email=ada@example.com",
            "https://s.example/app#/thanks",
        ),
        ("https://s.example/app#ada@example.com", "https://s.example/app"),
        (
            "https://s.example/cb?code=4a0AfJohXkd9wq8Zr7Tn1&scope=x",
            "https://s.example/cb?scope=x",
        ),
        (
            "https://s.example/a;jsessionid=1F2E3D/b?x=1",
            "https://s.example/a/b?x=1",
        ),
        (
            "https://s.example/reset/4a0afjohxkd9wq8zr7tn1",
            "https://s.example/reset",
        ),
        ("https://s.example/email=ada@example.com/x", "https://s.example/x"),
        (
            "https://s.example/v?j=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln&x=1",
            "https://s.example/v?x=1",
        ),
        (
            "https://s.example/login?next=https%3A%2F%2Fs.example%2Fa%3Femail%3Dada%2540example.com&x=1",
            "https://s.example/login?x=1",
        ),
        (
            "https://s.example/login?next=%2Freset%3Ftoken%3Dabc&x=1",
            "https://s.example/login?x=1",
        ),
        (
            "https://s.example/?a=1&amp;email=ada@example.com&amp;b=2",
            "https://s.example/?a=1&amp;b=2",
        ),
        (
            "https://s.example/?a=1;email=ada@example.com;b=2",
            "https://s.example/?a=1;b=2",
        ),
        (
            "https://s.example/?utm_content=ada@example.com&utm_source=ads",
            "https://s.example/?utm_source=ads",
        ),
        (
            "https://s.example/?d=%7B%22e%22%3A%22ada%40example.com%22%7D",
            "https://s.example/",
        ),
        (
            "https://s.example/?x=ada\u{ff20}example.com",
            "https://s.example/",
        ),
        ("https://s.example/?ada@example.com", "https://s.example/"),
        (
            "https://s.example/call/(415)555-0100/x",
            "https://s.example/call/x",
        ),
        (
            "https://s.example/received/wc_order_AbCdE",
            "https://s.example/received",
        ),
        ("https:///ada:secret@localhost/x", "https:///localhost/x"),
        ("http:/ada:secret@localhost/x", "http:/localhost/x"),
        ("https:\\\\ada:secret@localhost\\x", "https:\\\\localhost\\x"),
        ("ada:secret@localhost/x", "localhost/x"),
        ("http://ada@/grace@host/x", "http://host/x"),
        (
            "https://ada:secret@[2001:db8::1]:8080/x",
            "https://[2001:db8::1]:8080/x",
        ),
        (
            "https://s.example/?to=//ada:secret@host/x&y=1",
            "https://s.example/?y=1",
        ),
        (
            "https://s.example/?to=https%3A%2F%2Fada%40host%2Fx&y=1",
            "https://s.example/?y=1",
        ),
        ("MAILTO:ada@example.com", ""),
        ("whatsapp://send?text=x", ""),
        ("skype:ada?call", ""),
        ("sip:ada@host", ""),
        ("mailto:ada@example.com", ""),
        ("tel:+14155550100", ""),
        ("s.example/u/ada@example.com", "s.example/u"),
        ("/thanks?email=ada@example.com", "/thanks"),
    ] {
        assert_eq!(stays(url), expected, "{url}");
    }
}

#[test]
fn long_urls_take_their_time_once() {
    for part in ["@/", "a:b@", "//a@", "%40", "a=1&", "(1", "+1 "] {
        let url = format!("http://{}", part.repeat(16_000));
        let start = std::time::Instant::now();
        let _ = scrub_url(&url);
        let took = start.elapsed();
        assert!(took < std::time::Duration::from_secs(2), "{part}: {took:?}");
    }
}

#[test]
fn queries_and_paths_stand_alone() {
    for (query, expected) in [
        ("?email=ada%40example.com&page=2", Some("?page=2")),
        ("email=ada%40example.com&page=2", Some("page=2")),
        ("?email=ada%40example.com", Some("")),
        ("?q=lamp&page=2", None),
        ("?ada\u{ff20}example.com", Some("")),
        ("?+14155550100", Some("")),
        ("?", None),
        ("", None),
    ] {
        let scrubbed = scrub_query(query).map(|scrubbed| scrubbed.text);
        assert_eq!(scrubbed.as_deref(), expected, "{query}");
    }
    let scrubbed = scrub_path("/u/ada@example.com/orders").map(|scrubbed| scrubbed.text);
    assert_eq!(scrubbed.as_deref(), Some("/u/orders"));
    assert_eq!(scrub_path("/u/1/orders"), None);
}

#[test]
fn kinds_are_told_apart() {
    for (url, kinds) in [
        ("https://a:b@s.example/", "a user name or password"),
        (
            "https://s.example/?e=ada@example.com&t=%2B14155550100",
            "an e-mail address, a phone number",
        ),
        (
            "https://s.example/?fname=ada&sid=1",
            "a value under a personal key, a secret",
        ),
    ] {
        let removed = scrub_url(url).map(|scrubbed| scrubbed.removed.to_string());
        assert_eq!(removed.as_deref(), Some(kinds), "{url}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_scrubbing_is_done_at_once(url in "(https?://)?[a-z@:/?#&=;%+.0-9()é＠ -]{0,60}") {
        let once = stays(&url);
        prop_assert_eq!(stays(&once), once.clone(), "{}", url);
    }

    #[test]
    fn a_url_that_passes_at_once_has_nothing_to_take_out(
        step in "[a-z0-9()._:+-]{0,8}(555-0100|wc_order_x|eyJhbGciOiJIUzI1NiJ9.e30|4a0afjohxkd9wq8zr7tn1)?",
        word in "(/call|/reset|/token)?",
    ) {
        let url = format!("https://s.example{word}/{step}");
        prop_assert!(!is_bare(&url) || scrub_parts(&url).is_none(), "{}", url);
    }

    #[test]
    fn no_address_stays(before in "[a-z/?&=#;]{0,12}", at in "@|%40|%2540|＠", behind in "[/?&=#;]?[a-z&=]{0,8}") {
        let url = format!("https://s.example/{before}/qz.lovelace{at}mail.example{behind}");
        prop_assert!(!stays(&url).contains("lovelace"), "{}", url);
    }
}
