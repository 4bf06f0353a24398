//! One row of a vendor's field table, and the tables that the schema and the encoder read, made of the rows at compile
//! time.

pub use signalbox_core::Identifier;
use signalbox_segment::schema::{Choice, Field, FieldType};

use crate::encode::Key;
use crate::money;
use crate::personal::Field as Personal;
use crate::traits::places;

/// A field: its form in mappings and in the request, its defaults, its fate when the destination refuses it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The key in the request.
    pub key: &'static Key,
    /// The name in mappings, type, description, choices, and Segment's default.
    pub field: Field<'static>,
    /// The form of the value in the request.
    pub kind: Kind,
    /// The vendor's default where it differs from Segment's.
    pub vendor_default: Option<Default>,
    /// The value worked out from the event when the mapping leaves the field empty.
    pub derive: Option<Derive>,
    /// The derived value, as the reference describes it.
    pub derived: &'static str,
    /// The vendor wants the value plain, though transforms hash it where it stands in the event. So does every row of
    /// [`Kind::Plain`].
    pub unhashed: bool,
    /// The kind of match key that the field is, beside personal fields, whose kind follows from [`Row::kind`].
    pub identifies: Option<Identifier>,
    /// The keys in the request that the vendor's code chooses from, if the field has no key of its own there.
    pub sent_as: &'static [&'static str],
    /// The property can be left out when the destination refuses it.
    pub strippable: bool,
    /// Segment's destination does not send the field.
    pub vendor_only: bool,
    /// The only format ([`Spec::format_field`](crate::Spec::format_field)) that sends the field.
    pub format: Option<&'static str>,
    /// The text holds what people type or pages put there, so personal data and secrets are taken out of it.
    pub scrub: Option<Scrub>,
    /// The field holds the code of the vendor's test tool, which stands beside the events; true if the vendor counts events
    /// with one.
    pub test_code: Option<bool>,
    /// The rows of an object.
    pub members: &'static [Row],
}

/// The form of a value in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, with the most characters it may have.
    Text(usize),
    /// A whole number in these bounds.
    Whole(i64, i64),
    /// An amount of money, written as text.
    Money,
    /// A number.
    Number,
    /// An amount of money, written as a number.
    Amount,
    /// A currency code.
    Currency,
    /// Distinct texts.
    Texts,
    /// Two-letter language codes, with the most there may be.
    Languages(usize),
    /// Unix seconds.
    Time,
    /// Products.
    Contents,
    /// Hashes of personal values.
    Hashed(Personal),
    /// A personal value in its normal form, which the vendor wants plain.
    Plain(Personal),
    /// A value that the vendor's code writes.
    Own,
}

/// The form of a text that people and pages put personal data into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrub {
    /// The address of a page.
    Url,
    /// The words of a search.
    Search,
}

impl Kind {
    const fn field(self, key: &'static str, label: &'static str) -> Field<'static> {
        let kind = match self {
            Kind::Whole(..) => FieldType::Integer,
            Kind::Money | Kind::Number | Kind::Amount => FieldType::Number,
            Kind::Time => FieldType::Datetime,
            Kind::Contents => FieldType::Object,
            _ => FieldType::String,
        };
        let field = Field::new(key, label, kind);
        match self {
            Kind::Money | Kind::Amount => field.reading(money::number),
            Kind::Number | Kind::Whole(..) => field.reading(money::count),
            Kind::Texts | Kind::Languages(_) | Kind::Contents | Kind::Hashed(_) => field.multiple(),
            _ => field,
        }
    }
}

/// A default of the vendor's that differs from Segment's.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// The first of these paths, below the event, that is neither missing nor blank.
    FirstOf(&'static [&'static str]),
    /// The same as `FirstOf`, except that zero counts as a value.
    FirstNumberOf(&'static [&'static str]),
    /// A mapping, as JSON.
    Json(&'static str),
    /// No mapping.
    Nothing,
}

/// A value that the vendor's code works out from the event when the mapping leaves a field empty, since directives cannot
/// say it. It is tied to one field and used only while that field keeps its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derive(u8);

impl Derive {
    /// The value of the event, which the kit works out.
    pub(crate) const WORTH: Derive = Derive(31);
    /// The currency of the value of the event.
    pub(crate) const CURRENCY: Derive = Derive(30);

    /// Names a derived value by a number below 30, which no other of the vendor's has. A larger one does not compile in a
    /// table.
    pub const fn new(number: u8) -> Derive {
        assert!(
            number < Derive::CURRENCY.0,
            "a vendor has at most 30 derived values"
        );
        Derive(number)
    }

    /// Returns true for a value that the kit works out, and not the vendor's code.
    #[inline]
    pub(crate) fn is_of_kit(self) -> bool {
        self.0 >= Derive::CURRENCY.0
    }
}

/// The set of values to derive for a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derives(u32);

impl Derives {
    /// The empty set.
    pub const NONE: Derives = Derives(0);
    /// All values.
    pub const ALL: Derives = Derives(u32::MAX);

    /// Returns true if this value is derived.
    #[inline]
    pub fn has(self, derive: Derive) -> bool {
        self.0 & (1 << derive.0) != 0
    }

    /// Leaves one value out.
    pub(crate) fn except(self, derive: Derive) -> Derives {
        Derives(self.0 & !(1 << derive.0))
    }
}

impl Row {
    /// Makes the row of a field that the vendor's code writes.
    pub const fn own(key: &'static Key, label: &'static str, kind: FieldType) -> Row {
        Row::new(key, Field::new(key.name(), label, kind), Kind::Own)
    }

    /// Makes the row of a member, which has the same name in mappings and in the request and may be stripped. Its type
    /// follows from its kind.
    pub const fn member(key: &'static Key, label: &'static str, kind: Kind) -> Row {
        Row::new(key, kind.field(key.name(), label), kind).optional()
    }

    /// Makes the row of a personal field: any number of values, each hashed unless it is a SHA-256 already.
    pub const fn hashed(name: &'static str, label: &'static str, key: &'static Key, rule: Personal) -> Row {
        let kind = Kind::Hashed(rule);
        Row::new(key, kind.field(name, label), kind)
    }

    /// Makes the row of a personal field that the vendor wants plain: one value, brought to its normal form.
    pub const fn plain(key: &'static Key, label: &'static str, rule: Personal) -> Row {
        let kind = Kind::Plain(rule);
        Row::new(key, kind.field(key.name(), label), kind)
    }

    const fn new(key: &'static Key, field: Field<'static>, kind: Kind) -> Row {
        Row {
            key,
            field,
            kind,
            vendor_default: None,
            derive: None,
            derived: "",
            unhashed: false,
            identifies: None,
            sent_as: &[],
            strippable: false,
            vendor_only: false,
            format: None,
            scrub: None,
            test_code: None,
            members: &[],
        }
    }

    /// Sets the description.
    pub const fn describe(mut self, description: &'static str) -> Row {
        self.field = self.field.describe(description);
        self
    }

    /// Sets Segment's default mapping, as JSON.
    pub const fn default_mapping(mut self, json: &'static str) -> Row {
        self.field = self.field.default_mapping(json);
        self
    }

    /// Sets the name in mappings, where it is not the key in the request.
    pub const fn named(mut self, name: &'static str) -> Row {
        self.field.key = name;
        self
    }

    /// Takes one value where the kind of the field would take a list.
    pub const fn single(mut self) -> Row {
        self.field.multiple = false;
        self
    }

    /// Sets the type that Segment gives the field, where it is not the one of the kind.
    pub const fn of_type(mut self, kind: FieldType) -> Row {
        self.field.kind = kind;
        self
    }

    /// Makes the field required.
    pub const fn required(mut self) -> Row {
        self.field = self.field.required();
        self
    }

    /// Lets null through.
    pub const fn nullable(mut self) -> Row {
        self.field = self.field.nullable();
        self
    }

    /// Allows these values only.
    pub const fn choices(mut self, choices: &'static [Choice<'static>]) -> Row {
        self.field = self.field.choices(choices);
        self
    }

    /// Sets the most characters that the mapping may give, beyond which Segment drops the value.
    pub const fn at_most(mut self, maximum: f64) -> Row {
        self.field = self.field.at_most(maximum);
        self
    }

    /// Makes the field an object, with the rows of its members and their schema ([`fields!`](crate::fields)).
    pub const fn members(mut self, rows: &'static [Row], fields: &'static [Field<'static>]) -> Row {
        self.members = rows;
        self.field = self.field.properties(fields);
        self
    }

    /// Sets the vendor's default.
    pub const fn vendor_default(mut self, default: Default) -> Row {
        self.vendor_default = Some(default);
        self
    }

    /// Sets the vendor's default of a personal field: the places where shops and libraries put it.
    pub const fn from_traits(mut self) -> Row {
        if let Kind::Hashed(field) | Kind::Plain(field) = self.kind {
            self.vendor_default = Some(Default::FirstOf(places(field)));
        }
        self
    }

    /// Derives a value when the mapping leaves the field empty, and describes it for the reference.
    pub const fn derived(mut self, derive: Derive, description: &'static str) -> Row {
        self.derive = Some(derive);
        self.derived = description;
        self
    }

    /// Sets the vendor's default of the event's value: the first of its amounts that can be read.
    pub const fn worth(mut self) -> Row {
        self.vendor_default = Some(Default::Nothing);
        self.derived(
            Derive::WORTH,
            "first readable of `properties.value`, `properties.revenue`, `properties.subtotal`, `properties.total` less `tax` and `shipping`, `properties.price` times `quantity`, the sum of `properties.products`",
        )
    }

    /// Sets the vendor's default of the currency: the one that the event names, or the text of the value.
    pub const fn of_worth(self) -> Row {
        self.derived(Derive::CURRENCY, "the one that the text of the value names")
    }

    /// Marks a field that the vendor wants plain, though transforms hash it where it stands in the event.
    pub const fn unhashed(mut self) -> Row {
        self.unhashed = true;
        self
    }

    /// Returns true for a personal field of which a sink cannot send the hash that a transform made. `takes_hash` tells
    /// if the sink's settings leave a hashed field to the rules of the table.
    pub fn wants_plain(&self, takes_hash: impl Fn(Personal) -> bool) -> bool {
        match self.kind {
            Kind::Hashed(field) => !takes_hash(field),
            Kind::Plain(_) => true,
            _ => self.unhashed,
        }
    }

    /// Marks a match key that is no personal field.
    pub const fn identifies(mut self, kind: Identifier) -> Row {
        self.identifies = Some(kind);
        self
    }

    /// Names the keys in the request that the vendor's code chooses from.
    pub const fn sent_as(mut self, keys: &'static [&'static str]) -> Row {
        self.sent_as = keys;
        self
    }

    /// Marks a property that can be left out when the destination refuses it.
    pub const fn optional(mut self) -> Row {
        self.strippable = true;
        self
    }

    /// Marks a member that must not be stripped.
    pub const fn always_sent(mut self) -> Row {
        self.strippable = false;
        self
    }

    /// Marks a field that Segment's destination does not send.
    pub const fn vendor_only(mut self) -> Row {
        self.vendor_only = true;
        self
    }

    /// Marks the code of the vendor's test tool; `counts` is true if the vendor counts events with one.
    pub const fn test_code(mut self, counts: bool) -> Row {
        self.test_code = Some(counts);
        self
    }

    /// Marks the address of a page, which is sent without personal data and secrets.
    pub const fn url(mut self) -> Row {
        self.scrub = Some(Scrub::Url);
        self
    }

    /// Marks the words of a search, which are sent without personal data and secrets.
    pub const fn search(mut self) -> Row {
        self.scrub = Some(Scrub::Search);
        self
    }

    /// Ties the field to one format.
    pub const fn only_in(mut self, format: &'static str) -> Row {
        self.format = Some(format);
        self
    }
}

/// Returns the schema of the first `N` rows.
pub const fn fields<const N: usize>(rows: &[Row]) -> [Field<'static>; N] {
    let mut fields = [rows[0].field; N];
    let mut at = 0;
    while at < N {
        fields[at] = rows[at].field;
        at += 1;
    }
    fields
}

/// Returns the schema of rows, as a constant.
#[macro_export]
macro_rules! fields {
    ($rows:expr) => {
        const { &$crate::field::fields::<{ $rows.len() }>($rows) }
    };
}
