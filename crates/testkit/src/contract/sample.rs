//! An event whose personal values occur nowhere else.

use std::time::{SystemTime, UNIX_EPOCH};

use signalbox_core::{Event, Receipt};
use signalbox_segment::time::{Millis, write_iso};

/// Text that every secret of a sink under test must contain: token, key, header. Its length is a token's.
pub const SECRET: &str = "zqsecret9d41b7c05e6f4a2d8b93c1e07f5a6d48";

/// The personal values of [`sample`].
pub const PERSONAL: &[&str] = &[
    "zqivy.zqmarsh@example.com",
    "5550142777",
    "zqivy",
    "zqmarsh",
    "zqstreet 7",
    "zqtown",
    "98765-4321",
    "19740317",
    "1974-03-17",
    "zq-user-4711",
    "7a3cbea0-bdf5-11e4-8dfc-aa07a5b09377",
    "198.51.100.77",
];

/// An order with personal data in every place where Segment's spec has some, and enough to be matched by. It happened now,
/// since vendors refuse old events.
pub fn sample() -> Event {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let received_at = i64::try_from(now.as_millis()).expect("a clock");
    let mut time = String::new();
    write_iso(Millis(received_at), &mut time);
    let receipt = Receipt {
        source: "test".into(),
        received_at,
    };
    Event::parse(&SAMPLE.replace("{now}", &time), receipt).expect("a JSON object")
}

const SAMPLE: &str = r#"{
  "type": "track", "event": "Order Completed", "messageId": "contract", "userId": "zq-user-4711",
  "anonymousId": "zq-anonymous-1", "timestamp": "{now}", "receivedAt": "{now}", "originalTimestamp": "{now}", "sentAt": "{now}",
  "context": {
    "ip": "198.51.100.77",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "page": { "url": "https://shop.example.com/thanks" },
    "device": { "advertisingId": "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B09377", "type": "ios" },
    "traits": {
      "email": "ZqIvy.ZqMarsh@Example.com", "phone": "+1 (555) 014-2777", "firstName": "ZqIvy", "lastName": "ZqMarsh",
      "birthday": "1974-03-17", "gender": "female",
      "address": { "street": "ZqStreet 7", "city": "ZqTown", "state": "CA", "postalCode": "98765-4321", "country": "US" }
    }
  },
  "properties": {
    "order_id": "o-1", "total": 73.5, "revenue": 73.5, "currency": "USD", "email": "ZqIvy.ZqMarsh@Example.com",
    "products": [ { "product_id": "p-1", "name": "Pot", "price": 24.5, "quantity": 3 } ]
  }
}"#;
