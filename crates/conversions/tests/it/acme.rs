//! A whole vendor: Acme takes `{"account":"…","events":[…]}`, page views with `"kind":"pages"` before them, hashed e-mails and
//! phones, and answers with the indices of the events that it refuses.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use signalbox_conversions::encode::*;
use signalbox_conversions::field::Default::{FirstOf, Nothing};
use signalbox_conversions::field::{Derive, Kind, Row};
use signalbox_conversions::lookups::{LookupPath, index, places};
use signalbox_conversions::personal::{Field as Personal, rules};
use signalbox_conversions::{time::unix_seconds, *};
use signalbox_core::{Outcome, Reason, Record, Verdict};
use signalbox_http::{Body, HeaderMap, Method, Reply, Request, StatusCode, StatusTable, Url};
use signalbox_segment::schema::{Field, *};
use signalbox_segment::value::Value;

// The table: a field is one row.

const PLATFORM: Derive = Derive::new(0);

const USER: &[Row] = &[
    Row::hashed("email", "Email", key!("email_sha256"), Personal::Email)
        .describe("E-mail addresses.")
        .default_mapping(r#"{"@path":"$.properties.email"}"#)
        .vendor_default(FirstOf(&["properties.email", "context.traits.email"])),
    Row::hashed("phone", "Phone", key!("phone_sha256"), Personal::Phone).describe("Phone numbers."),
];

const DETAILS: &[Row] = &[
    Row::member(key!("value"), "Value", Kind::Money)
        .describe("Worth of the event.")
        .default_mapping(r#"{"@path":"$.properties.total"}"#),
    Row::member(key!("coupon"), "Coupon", Kind::Text(8))
        .describe("Code of the coupon.")
        .default_mapping(r#"{"@path":"$.properties.coupon"}"#),
    Row::member(key!("platform"), "Platform", Kind::Text(20))
        .describe("Operating system.")
        .derived(PLATFORM, "the name in `context.os`"),
];

const EVENT: &[Row] = &[
    Row::own(key!("name"), "Name", FieldType::String).required(),
    Row::own(key!("id"), "Id", FieldType::String)
        .required()
        .default_mapping(r#"{"@path":"$.messageId"}"#),
    Row::own(key!("at"), "Time", FieldType::String)
        .required()
        .default_mapping(r#"{"@path":"$.timestamp"}"#),
    Row::own(key!("user"), "User", FieldType::Object).members(USER, fields!(USER)),
    Row::own(key!("details"), "Details", FieldType::Object).members(DETAILS, fields!(DETAILS)),
];
const FIELDS: &[Field<'static>] = fields!(EVENT);
const PLACES: &[LookupPath] = &places(&["context", "context.os", "context.os.name"]);

pub(crate) static SPEC: Spec = Spec {
    vendor: "Acme",
    rows: EVENT,
    fields: FIELDS,
    presets: &[
        Preset::track("Purchase", "Order Completed", "purchase"),
        Preset::page("Page", "page_view"),
        Preset::new("Cart", Listens::Event("Product Added"), "cart")
            .fields(&[
                ("details.value", r#"{"@path":"$.properties.price"}"#),
                ("details.coupon", "null"),
            ])
            .required(&["details"])
            .absent(&["user"]),
        Preset::track("Sign Up", "Signed Up", "sign_up")
            .only(Compat::Vendor)
            .vendor_fields(&[("details.value", Nothing)]),
        Preset::new("Custom", Listens::Nothing, "").fields(&[("name", r#"{"@path":"$.event"}"#)]),
    ],
    event_field: "name",
    format_field: None,
    places: PLACES,
    rules: &rules::PINTEREST,
    segment_rules: &rules::SEGMENT,
    settings: &[],
};

const HASHED: &[PersonalField] = personal!(USER);
const DETAIL: &[Wire] = wires!(DETAILS);

// The code: what no table can say.

#[derive(Debug)]
pub(crate) struct Acme {
    pub(crate) url: Url,
    /// The texts around events, and around page views.
    pub(crate) frames: Frames,
}

/// The members of a request beside its events.
pub(crate) fn root(page: bool) -> [(&'static str, Option<&'static str>); 2] {
    [("account", Some("7")), ("kind", page.then_some("pages"))]
}

impl Vendor for Acme {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn testing(&self) -> Option<Testing> {
        let member = "test_code";
        Some(Testing::Code {
            member,
            counts: false,
        })
    }

    fn derive<'a>(&self, derive: Derive, resolved: &Resolved<'a, '_>) -> Value<'a> {
        match derive {
            PLATFORM => resolved.lookups.at(const { index(PLACES, "context.os.name") }),
            _ => Value::Undefined,
        }
    }

    fn write<'a>(
        &self,
        mut resolved: Resolved<'a, '_>,
        out: &mut Object<'_>,
    ) -> Result<Written<'a>, Refusal> {
        let payload = resolved.payload;
        let field = |place| member_at(payload, place);
        let required = |place| field(place).as_str().unwrap_or_default();
        let event_name = required(const { place(FIELDS, "name") });
        let event_id = required(const { place(FIELDS, "id") });
        let at = unix_seconds(required(const { place(FIELDS, "at") }));
        let at = at.map_err(|error| reasons::bad_time("at", error))?;
        out.text(key!("name"), event_name);
        out.text(key!("id"), event_id);
        out.integer(key!("at"), at);
        let user = field(const { place(FIELDS, "user") });
        out.object(key!("user"), false, |out| {
            for personal in HASHED {
                resolved.hash_personal(self, personal, user.get(personal.member), "user");
                UserData::new(out).hashed(personal.key, resolved.hashes);
            }
        });
        let details = field(const { place(FIELDS, "details") });
        out.object(key!("details"), false, |out| {
            resolved.members(self, out, DETAIL, details, Parent::Object("details"));
        });
        // Page views go in separate requests, and Acme takes no event that is older than a day.
        let page = event_name == "page_view";
        Ok(Written {
            event_name,
            event_id: if page { "" } else { event_id },
            may_count_twice: page,
            batch_key: self.frames.key(&root(page))?,
            expires_at: u32::try_from(at + 86_400).ok().and_then(NonZeroU32::new),
        })
    }

    fn frames(&self) -> &Frames {
        &self.frames
    }

    fn post(&self, body: Body) -> Request {
        let (method, headers) = (Method::POST, HeaderMap::new());
        Request {
            method,
            url: self.url.clone(),
            headers,
            body,
        }
    }

    fn interpret(&self, reply: &Reply, records: &[Arc<Record>], stripped: &StrippedFields) -> Verdict {
        let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
        let unknown = body["unknown"].as_str().into_iter();
        if let Some(verdict) = refused_properties(&SPEC, unknown, records, stripped) {
            return verdict;
        }
        let Some(refused) = body["refused"]
            .as_array()
            .filter(|_| reply.status == StatusCode::OK)
        else {
            return StatusTable::new().failure(reply, "");
        };
        let outcome = |index: usize| match refused.contains(&json!(index)) {
            true => Outcome::Rejected(Reason::new("acme_refused", "Acme refused the event")),
            false => Outcome::delivered(),
        };
        Verdict::Settled((0..records.len()).map(outcome).collect())
    }
}
