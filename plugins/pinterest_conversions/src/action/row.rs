//! One row of the field table, and the tables of the schema derived from the rows at compile time.

use signalbox_conversions::personal::Field as Personal;
use signalbox_segment::schema::{Choice, Field, FieldType};

use super::defaults::{Default, Derive};
use super::keys::HashedKey;
use signalbox_conversions::encode::Key;

/// A field: its form in mappings and in the request, its defaults, its fate when Pinterest refuses it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The key in the request.
    pub(crate) key: &'static Key,
    /// The name in mappings, type, description, choices, and Segment's default.
    pub(crate) field: Field<'static>,
    /// The form of the value in the request.
    pub(crate) kind: Kind,
    /// The default of `compat = "pinterest"` where it differs from Segment's.
    pub(crate) pinterest: Option<Default>,
    /// The value worked out from the event when the mapping leaves the field empty.
    pub(crate) derive: Option<Derive>,
    /// The property can be left out when Pinterest refuses it.
    pub(crate) strippable: bool,
    /// The only `data_format` that sends the field.
    pub(crate) format: Option<&'static str>,
    /// The rows of an object.
    pub(crate) members: &'static [Row],
}

/// The form of a value in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, with the most characters it may have.
    Text(usize),
    /// A whole number in these bounds.
    Whole(i64, i64),
    /// A number written as text.
    Money,
    /// A currency code.
    Currency,
    /// Texts.
    Texts,
    /// Two-letter language codes.
    Languages,
    /// Unix seconds.
    Time,
    /// `num_items`, which can be worked out.
    NumItems,
    /// `os_family`, which can be worked out.
    OsFamily,
    /// `opt_out_type`, which an opt-out is added to.
    OptOutType,
    /// Products.
    Contents,
    /// Text that only `compat = "pinterest"` sends.
    ExtraText,
    /// A whole number that only `compat = "pinterest"` sends.
    ExtraWhole,
    /// Hashes of personal values.
    Hashed(HashedKey, Personal),
    /// A value that the encoders write outside of the tables.
    Event,
}

impl Kind {
    const fn field(self, key: &'static str, label: &'static str) -> Field<'static> {
        let kind = match self {
            Kind::Whole(..) | Kind::NumItems | Kind::ExtraWhole => FieldType::Integer,
            Kind::Money => FieldType::Number,
            Kind::Time => FieldType::Datetime,
            Kind::Contents => FieldType::Object,
            _ => FieldType::String,
        };
        let field = Field::new(key, label, kind);
        match self {
            Kind::Texts | Kind::Languages | Kind::Contents => field.multiple(),
            _ => field,
        }
    }
}

impl Row {
    pub(crate) const fn new(key: &'static Key, field: Field<'static>, kind: Kind) -> Row {
        Row {
            key,
            field,
            kind,
            pinterest: None,
            derive: None,
            strippable: false,
            format: None,
            members: &[],
        }
    }

    pub(crate) const fn member(key: &'static Key, label: &'static str, kind: Kind) -> Row {
        Row::new(key, kind.field(key.name(), label), kind).optional()
    }

    pub(crate) const fn describe(mut self, description: &'static str) -> Row {
        self.field = self.field.describe(description);
        self
    }

    pub(crate) const fn default_mapping(mut self, json: &'static str) -> Row {
        self.field = self.field.default_mapping(json);
        self
    }

    pub(crate) const fn required(mut self) -> Row {
        self.field = self.field.required();
        self
    }

    pub(crate) const fn nullable(mut self) -> Row {
        self.field = self.field.nullable();
        self
    }

    pub(crate) const fn choices(mut self, choices: &'static [Choice<'static>]) -> Row {
        self.field = self.field.choices(choices);
        self
    }

    pub(crate) const fn at_most(mut self, maximum: f64) -> Row {
        self.field = self.field.at_most(maximum);
        self
    }

    pub(crate) const fn members(mut self, rows: &'static [Row], fields: &'static [Field<'static>]) -> Row {
        self.members = rows;
        self.field = self.field.properties(fields);
        self
    }

    pub(crate) const fn pinterest(mut self, default: Default) -> Row {
        self.pinterest = Some(default);
        self
    }

    pub(crate) const fn derived(mut self, derive: Derive) -> Row {
        self.derive = Some(derive);
        self
    }

    pub(crate) const fn optional(mut self) -> Row {
        self.strippable = true;
        self
    }

    pub(crate) const fn always_sent(mut self) -> Row {
        self.strippable = false;
        self
    }

    pub(crate) const fn latest_only(mut self) -> Row {
        self.format = Some("latest");
        self
    }

    pub(crate) const fn legacy_only(mut self) -> Row {
        self.format = Some("legacy");
        self
    }

    /// Returns the default of `compat = "pinterest"` where it differs from Segment's.
    pub fn pinterest_default(&self) -> Option<&Default> {
        self.pinterest.as_ref()
    }

    /// Returns the value worked out from the event when the mapping leaves the field empty.
    pub fn derive(&self) -> Option<Derive> {
        self.derive
    }
}

/// The fields of the rows, for the schema. `contents` among other members comes last, or is left out if `N` has no room
/// for it: only the legacy format has it there.
pub(crate) const fn fields<const N: usize>(rows: &[Row]) -> [Field<'static>; N] {
    let mut fields = [rows[0].field; N];
    let (mut row, mut at) = (0, 0);
    while row < rows.len() {
        if !is_inner_contents(rows, row) {
            fields[at] = rows[row].field;
            at += 1;
        } else if N == rows.len() {
            fields[N - 1] = rows[row].field;
        }
        row += 1;
    }
    fields
}

/// True for `contents` in the custom data; that of the event stands beside objects.
const fn is_inner_contents(rows: &[Row], row: usize) -> bool {
    matches!(rows[row].kind, Kind::Contents) && !matches!(rows[0].kind, Kind::Event)
}
