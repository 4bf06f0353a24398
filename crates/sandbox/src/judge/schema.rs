//! The form of the tables in which a vendor's properties stand.

use super::values::Finding;

/// The properties of one JSON object.
pub(crate) type Shape = [Field];

/// A property.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// True if the value may be `null`.
    pub(crate) nullable: bool,
    pub(crate) required: bool,
    /// True if the vendor's description lists it; some that it does not list are sent in production.
    pub(crate) published: bool,
    /// True if the rules over a whole event or request need its value.
    pub(crate) noted: bool,
}

/// The JSON type of a property and the range of its values.
pub(crate) enum Kind {
    /// Any value; rules over the whole event judge it.
    Any,
    /// A string of any content.
    Text,
    /// A string of at most this many characters.
    Chars(usize),
    /// A string from a list, joined by `, `.
    OneOf(&'static str),
    /// A string whose content is checked.
    Checked(fn(&str) -> Option<Finding>),
    Bool,
    /// An integer (JSON text without fraction and exponent) between the two, both included.
    Int(i64, i64),
    /// A number.
    Number,
    /// A number whose value is checked.
    CheckedNumber(fn(f64) -> Option<Finding>),
    /// A number, or a string that holds one.
    Numeric,
    /// An array of strings: the greatest number of items, and the check of each.
    Texts(usize, fn(&str) -> Option<Finding>),
    /// A string or an array of strings, and the check of each.
    TextOrTexts(fn(&str) -> Option<Finding>),
    Object(&'static Shape),
    /// An object that may hold any other property, too.
    OpenObject(&'static Shape),
    /// An array of objects.
    Objects(&'static Shape),
}

pub(crate) const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        nullable: false,
        required: false,
        published: true,
        noted: false,
    }
}

pub(crate) const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}

pub(crate) const fn chars(name: &'static str, most: usize) -> Field {
    field(name, Kind::Chars(most))
}

pub(crate) const fn one_of(name: &'static str, list: &'static str) -> Field {
    field(name, Kind::OneOf(list))
}

pub(crate) const fn checked(name: &'static str, check: fn(&str) -> Option<Finding>) -> Field {
    field(name, Kind::Checked(check))
}

pub(crate) const fn number(name: &'static str) -> Field {
    field(name, Kind::Number)
}

pub(crate) const fn whole(name: &'static str, least: i64, most: i64) -> Field {
    field(name, Kind::Int(least, most))
}

/// Describes an integer of 64 bits.
pub(crate) const fn int64(name: &'static str) -> Field {
    whole(name, i64::MIN, i64::MAX)
}

impl Field {
    pub(crate) const fn null(mut self) -> Self {
        self.nullable = true;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn unpublished(mut self) -> Self {
        self.published = false;
        self
    }

    pub(crate) const fn noted(mut self) -> Self {
        self.noted = true;
        self
    }
}
