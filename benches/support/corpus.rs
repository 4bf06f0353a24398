//! The events all benches run on: 'Order Completed' calls with everything a shop's app knows of its customer. Invented,
//! and the same in every run and on every machine.

use std::fmt::Write as _;

/// Number of events: more than caches and branch predictors can learn.
pub(crate) const EVENTS: usize = 4_000;

/// When they are received, in Unix milliseconds: two seconds after the last of them happened.
pub(crate) const RECEIVED: i64 = 1_772_601_602_000;

/// All of them, each as its JSON text.
pub(crate) fn events() -> Vec<String> {
    orders(EVENTS)
}

/// Returns the first events.
pub(crate) fn orders(count: usize) -> Vec<String> {
    (0..count).map(|number| order(number, 3, 0)).collect()
}

/// Makes events of about this size in bytes, grown by products, all of which the destination gets.
pub(crate) fn with_products(bytes: usize, count: usize) -> Vec<String> {
    let (bare, one) = (order(0, 0, 0).len(), order(0, 1, 0).len());
    let products = bytes.saturating_sub(bare) / (one - bare);
    (0..count).map(|number| order(number, products, 0)).collect()
}

/// Makes events of about this size in bytes, grown by properties that no mapping reads.
pub(crate) fn with_properties(bytes: usize, count: usize) -> Vec<String> {
    let (bare, one) = (order(0, 3, 0).len(), order(0, 3, 1).len());
    let properties = bytes.saturating_sub(bare) / (one - bare);
    (0..count).map(|number| order(number, 3, properties)).collect()
}

/// A `/v1/batch` body of these events.
pub(crate) fn batch(events: &[String]) -> String {
    let sent = "2026-03-04T05:20:01.500Z";
    format!(
        r#"{{"writeKey":"bench-key","sentAt":"{sent}","batch":[{}]}}"#,
        events.join(",")
    )
}

/// A small generator (Weyl sequence, mixed): a dependency's next version must not change the events.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    fn one<'l>(&mut self, list: &[&'l str]) -> &'l str {
        list[self.below(list.len() as u64) as usize]
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize]))
            .collect()
    }

    fn uuid(&mut self) -> String {
        let mut part = |digits| self.hex(digits);
        format!("{}-{}-4{}-a{}-{}", part(8), part(4), part(3), part(3), part(12))
    }

    fn cents(&mut self, most: u64) -> String {
        let cents = self.below(most);
        format!("{}.{:02}", cents / 100, cents % 100)
    }
}

const FIRST: &[&str] = &[
    "Anna",
    "Bo",
    "Chloé",
    "Dmitri",
    "Eva-Lotta",
    "Fatima",
    "Gözde",
    "Hugo",
    "Ines",
    "José",
];
const LAST: &[&str] = &[
    "Lindqvist",
    "O'Brien",
    "Müller",
    "García López",
    "Nguyễn",
    "Smith",
    "van Dijk",
    "Żak",
];
const PLACES: &[[&str; 4]] = &[
    ["Los Angeles", "California", "90012", "US"],
    ["New York", "NY", "10001-2345", "US"],
    ["København", "Hovedstaden", "1050", "DK"],
    ["São Paulo", "SP", "01310-100", "BR"],
    ["Münster", "Nordrhein-Westfalen", "48143", "DE"],
    ["Leeds", "West Yorkshire", "LS1 4AP", "GB"],
];
const THINGS: &[&str] = &[
    "Stoneware cup, speckled",
    "Wool blanket 130 × 200",
    "Lamp \\\"Globe\\\" – brass",
    "Cushion cover, linen",
    "Vase N\\u00ba 5",
    "Dinner plate 27 cm",
];
const CATEGORIES: &[&str] = &["Home \\/ Kitchen", "Home > Living", "Décor", "Tableware"];
const BRANDS: &[&str] = &["Fjord & Co", "Atelier Noir", "Søstrene", "Kiln"];

fn order(number: usize, products: usize, properties: usize) -> String {
    let dice = &mut Dice(number as u64);
    let (first, last) = (dice.one(FIRST), dice.one(LAST));
    let [city, state, zip, country] = PLACES[dice.below(PLACES.len() as u64) as usize];
    let ios = dice.below(2) == 0;
    let (device, os, maker, model) = if ios {
        ("ios", "iOS", "Apple", "iPhone16,2")
    } else {
        ("android", "Android", "Google", "Pixel 9")
    };
    let (minute, second, milli) = (dice.below(20), dice.below(60), dice.below(1000));
    let (message, anonymous, advertising) = (dice.uuid(), dice.uuid(), dice.uuid());
    let (user, mail, phone) = (
        dice.below(10_000_000),
        dice.hex(6),
        1_000_000 + dice.below(9_000_000),
    );
    let (year, month, day) = (1950 + dice.below(55), 1 + dice.below(12), 1 + dice.below(28));
    let (total, tax, shipping) = (dice.cents(50_000), dice.cents(2_000), dice.below(12));
    let order = 100_000 + dice.below(900_000);
    let (currency, gender) = (
        dice.one(&["USD", "EUR", "DKK", "BRL"]),
        dice.one(&["female", "male", "f", "m", "Non-binary"]),
    );
    let (locale, zone) = (
        dice.one(&["en-US", "de-DE", "pt-BR", "da-DK"]),
        dice.one(&["Europe/Copenhagen", "America/New_York"]),
    );
    let (version, epik, wifi) = (dice.below(18), dice.hex(24), dice.below(2) == 0);
    let ip = format!("203.0.113.{}", dice.below(256));
    let at = format!("2026-03-04T05:{minute:02}:{second:02}.{milli:03}Z");
    let mut out = String::with_capacity(2_048);
    // Into a text, writing cannot fail.
    let _ = write!(
        out,
        r#"{{"type":"track","event":"Order Completed","messageId":"{message}","userId":"user-{user}","#
    );
    let _ = write!(
        out,
        r#""anonymousId":"{anonymous}","timestamp":"{at}","context":{{"#
    );
    let _ = write!(
        out,
        r#""app":{{"name":"Shop","version":"5.{version}.1","build":"5{version}01","namespace":"com.example.shop"}},"#
    );
    let _ = write!(
        out,
        r#""device":{{"type":"{device}","manufacturer":"{maker}","model":"{model}","#
    );
    let _ = write!(
        out,
        r#""advertisingId":"{advertising}","adTrackingEnabled":true}},"ip":"{ip}","#
    );
    let _ = write!(
        out,
        r#""library":{{"name":"analytics-{device}","version":"4.1.{version}"}},"locale":"{locale}","#
    );
    let _ = write!(
        out,
        r#""network":{{"carrier":"Example Mobile","wifi":{wifi}}},"os":{{"name":"{os}","version":"{version}.4"}},"#
    );
    let _ = write!(
        out,
        r#""screen":{{"width":393,"height":852,"density":3}},"timezone":"{zone}","#
    );
    let _ = write!(
        out,
        r#""page":{{"url":"https://shop.example/checkout/thanks?order={order}&epik=dj0y{epik}"}},"#
    );
    let _ = write!(
        out,
        r#""traits":{{"email":"{first}.{mail}@Example.com","phone":"+1 (415) {phone}","firstName":"{first}","#
    );
    let _ = write!(
        out,
        r#""lastName":"{last}","gender":"{gender}","birthday":"{year}-{month:02}-{day:02}","address":{{"#
    );
    let _ = write!(
        out,
        r#""city":"{city}","state":"{state}","postalCode":"{zip}","country":"{country}"}}}},"#
    );
    let _ = write!(
        out,
        r#""userAgent":"Shop/5.{version} ({model}; {os} {version}.4)"}},"#
    );
    let _ = write!(
        out,
        r#""properties":{{"order_id":"O-{order}","total":{total},"tax":{tax},"shipping":{shipping},"#
    );
    let _ = write!(out, r#""currency":"{currency}","coupon":"SPRING","products":["#);
    for at in 0..products {
        if at > 0 {
            out.push(',');
        }
        let (id, quantity, price) = (dice.below(100_000), 1 + dice.below(4), dice.cents(20_000));
        let (name, category, brand) = (dice.one(THINGS), dice.one(CATEGORIES), dice.one(BRANDS));
        let _ = write!(
            out,
            r#"{{"product_id":"p-{id}","sku":"S{id}","name":"{name}","price":{price},"quantity":{quantity},"category":"{category}","brand":"{brand}"}}"#,
        );
    }
    out.push(']');
    for at in 0..properties {
        let _ = write!(out, r#","extra_{at:03}":"{}""#, dice.hex(24));
    }
    out.push_str("},\"integrations\":{}}");
    out
}
