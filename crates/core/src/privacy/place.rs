//! The meaning of the keys of an event where they stand.

use crate::json::{Kind, Node};

use super::keys::{Holder, Key, Meaning, holder, meaning};
use super::removed::Scrubbed;
use super::text::scrub_text;
use super::url::{scrub_query, scrub_url};

/// A text that people and pages put personal data into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// An address of a page, or the path of one.
    Url,
    /// The words of a search, or a query.
    Search,
    /// A title.
    Title,
}

impl TextForm {
    /// Takes personal data and secrets out of a text of this form. `None` if there is nothing to take out.
    pub fn scrub(self, text: &str) -> Option<Scrubbed> {
        let is_query = text.starts_with('?') || text.contains('=') && !text.contains(' ');
        match self {
            TextForm::Url => scrub_url(text),
            TextForm::Search if is_query => scrub_query(text),
            TextForm::Search | TextForm::Title => scrub_text(text),
        }
    }
}

/// The facts about a key that do not depend on its place. They can be kept for the next event with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Class {
    meaning: Option<Key>,
    holder: Option<Holder>,
    form: Option<TextForm>,
    /// A part of a value that is an object: `number` below `phone`.
    part: Option<Part>,
}

/// The parts of a name or of a contact that is an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The value itself.
    Value,
    /// The given name.
    First,
    /// The family name.
    Last,
}

impl Class {
    /// Reads a key.
    pub fn of(key: &str) -> Class {
        Class {
            meaning: meaning(key),
            holder: holder(key),
            form: form(key),
            part: part(key),
        }
    }

    /// Returns true for a key that says nothing anywhere.
    pub fn is_empty(self) -> bool {
        self == Class::default()
    }
}

fn form(key: &str) -> Option<TextForm> {
    let ends = |end: &str| {
        let start = key.len().checked_sub(end.len());
        start
            .and_then(|start| key.get(start..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    let is = |words: &[&str]| words.iter().any(|word| key.eq_ignore_ascii_case(word));
    if ["url", "uri", "href", "referrer", "referer"]
        .iter()
        .any(|end| ends(end))
        || is(&["path", "link"])
    {
        return Some(TextForm::Url);
    }
    if [
        "search",
        "query",
        "search_string",
        "search_term",
        "searchString",
        "searchTerm",
    ]
    .iter()
    .any(|end| ends(end))
        || is(&["q", "keyword", "keywords", "search_text", "term", "terms"])
    {
        return Some(TextForm::Search);
    }
    is(&["title", "page_title"]).then_some(TextForm::Title)
}

fn part(key: &str) -> Option<Part> {
    match key {
        "value" | "number" | "address" | "raw" | "text" | "primary" | "main" => Some(Part::Value),
        "first" | "given" => Some(Part::First),
        "last" | "family" => Some(Part::Last),
        _ => None,
    }
}

/// Parts of the context that tell of programs, devices and campaigns, whose names name no person.
const NOT_OF_PERSONS: [&str; 9] = [
    "app",
    "campaign",
    "device",
    "library",
    "location",
    "network",
    "os",
    "screen",
    "userAgentData",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The members of the event.
    Event,
    /// The members of its context.
    Context,
    /// Anything below.
    Below,
}

/// A place in an event, with the facts that the objects around it add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    level: Level,
    holder: Option<Holder>,
    /// The meaning of the object that the key stands in.
    within: Option<Meaning>,
    /// Set in the traits of a group, which describe a company: only its e-mail address and phone count.
    company: bool,
    of_group: bool,
}

/// The meaning of a value at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A personal value.
    Personal(Meaning),
    /// A text that may hold personal data.
    Text(TextForm),
}

impl Place {
    /// The place of the members of an event; `of_group` for a `group` call.
    pub fn root(of_group: bool) -> Place {
        Place {
            level: Level::Event,
            holder: None,
            within: None,
            company: false,
            of_group,
        }
    }

    /// Returns the meaning of the value under a key here.
    pub fn found(self, class: Class) -> Option<Found> {
        let meaning = self.meaning(class).filter(|meaning| {
            let is_contact = matches!(meaning, Meaning::Email | Meaning::Phone);
            !matches!(meaning, Meaning::Login | Meaning::Secret) && (is_contact || !self.company)
        });
        let form = class.form.filter(|_| self.level == Level::Below);
        meaning.map(Found::Personal).or(form.map(Found::Text))
    }

    fn meaning(self, class: Class) -> Option<Meaning> {
        let inner = match (self.within, class.part) {
            (Some(meaning @ (Meaning::Email | Meaning::Phone)), Some(Part::Value)) => Some(meaning),
            (Some(Meaning::FullName), Some(Part::First)) => Some(Meaning::FirstName),
            (Some(Meaning::FullName), Some(Part::Last)) => Some(Meaning::LastName),
            _ => None,
        };
        let own = class.meaning.filter(|key| key.within <= self.holder);
        inner.or(own.map(|key| key.meaning))
    }

    /// Returns the place of the members of the object under a key here; `None` if nothing in it is a person's.
    pub fn below(self, key: &str, class: Class) -> Option<Place> {
        let (level, traits) = match self.level {
            Level::Event if key == "integrations" || key == "_metadata" => return None,
            Level::Event if key == "context" => (Level::Context, false),
            Level::Context if NOT_OF_PERSONS.contains(&key) => return None,
            _ => (Level::Below, key == "traits" && self.level != Level::Below),
        };
        let company = traits && self.level == Level::Event && self.of_group;
        let holder = match traits {
            true => Some(Holder::Person).filter(|_| !company),
            false => class.holder,
        };
        Some(Place {
            level,
            holder,
            within: self.meaning(class),
            company: company || self.company,
            of_group: self.of_group,
        })
    }
}

/// Returns the meaning of the value at a path of an event, with dots; `None` if its keys name nothing personal.
pub fn meaning_at(path: &str) -> Option<Meaning> {
    let mut place = Place::root(false);
    let mut meaning = None;
    let path = crate::Path::new(path);
    for step in path.steps().filter(|step| step.parse::<usize>().is_err()) {
        let class = Class::of(step);
        meaning = match place.found(class) {
            Some(Found::Personal(meaning)) => Some(meaning),
            _ => None,
        };
        match place.below(step, class) {
            Some(below) => place = below,
            None => return None,
        }
    }
    meaning
}

/// Returns true for a value that its key's meaning fits: flags and words such as `none` under the key of an e-mail address or
/// a phone are no personal data.
pub fn fits(meaning: Meaning, value: Node<'_>) -> bool {
    const HASH: usize = 64;
    let Some(text) = value.as_str().or_else(|| value.number_text()) else {
        return false;
    };
    let is_hash = text.len() >= HASH && text.trim().bytes().all(|b| b.is_ascii_hexdigit());
    match meaning {
        Meaning::Email => is_hash || crate::may_be_address(text) || is_spelt_out(text),
        Meaning::Phone => {
            let digits = text.chars().filter(|c| c.is_numeric()).count();
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            is_hash || digits >= 7 && (letters <= 8 || text.contains('+'))
        }
        _ => value.kind() == Kind::String || value.kind() == Kind::Number,
    }
}

/// Returns true for an address without an at sign: `ada at example.com`, `ada(at)example.com`.
fn is_spelt_out(text: &str) -> bool {
    let lower = text.to_lowercase();
    let signs = [" at ", "(at)", "[at]", "{at}"];
    signs.iter().any(|sign| {
        lower
            .split_once(sign)
            .is_some_and(|(name, domain)| !name.trim().is_empty() && domain.contains(['.', '(', '[']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_a_meaning_by_their_objects() {
        use Meaning::{City, Email, FirstName, FullName, LastName, Phone, State, Street, Zip};
        for (path, expected) in [
            ("properties.customer_email", Some(Email)),
            ("properties.Email", Some(Email)),
            ("properties.customer.email", Some(Email)),
            ("properties.customer.name", Some(FullName)),
            ("properties.customer.default_address.city", Some(City)),
            ("properties.billing_address.first_name", Some(FirstName)),
            ("properties.billing_address.name", Some(FullName)),
            ("properties.billing_address.address1", Some(Street)),
            ("properties.billing_address.zip", Some(Zip)),
            ("properties.billing_address.province", Some(State)),
            ("properties.customer.addresses.0.state", Some(State)),
            ("properties.customer.emails.0.value", Some(Email)),
            ("properties.customer.phone.number", Some(Phone)),
            ("properties.customer.name.last", Some(LastName)),
            ("properties.order.shipping.city", Some(City)),
            ("properties.products.0.recipient_email", Some(Email)),
            ("user.email", Some(Email)),
            ("context.user.email", Some(Email)),
            ("context.traits.town", Some(City)),
            ("traits.region", None),
            ("traits.company.name", None),
            ("properties.name", None),
            ("properties.products.0.name", None),
            ("properties.customer.state", None),
            ("properties.customer.last_order.name", None),
            ("properties.store.city", None),
            ("properties.store_address.city", None),
            ("properties.city", None),
            ("properties.brand", None),
            ("properties.coupon", None),
            ("properties.password", None),
            ("context.campaign.name", None),
            ("context.app.name", None),
            ("context.device.name", None),
            ("context.library.name", None),
            ("integrations.Ads.email", None),
            ("context.location.city", None),
            ("event", None),
            ("", None),
        ] {
            assert_eq!(meaning_at(path), expected, "{path}");
        }
    }
}
