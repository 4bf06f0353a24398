//! The value of an event, worked out of the amounts that it holds.

use bumpalo::Bump;
use signalbox_core::{Event, Node, Warning};
use signalbox_segment::placeholder;
use signalbox_segment::value::Value;

use super::codes::currency;
use super::decimal::Decimal;
use super::in_arena;
use super::read::{Amount, Unreadable, read};
use crate::field::Derive;
use crate::lookups::{LookupPath, Lookups, index, places};
use crate::parent::Parent;
use crate::reasons;
use crate::vendor::Resolved;

/// The places that the kit looks up beside those of a vendor.
pub(crate) const PLACES: [LookupPath; 10] = places(&[
    "properties",
    "properties.value",
    "properties.revenue",
    "properties.subtotal",
    "properties.total",
    "properties.tax",
    "properties.shipping",
    "properties.price",
    "properties.quantity",
    "properties.products",
]);

/// The index of a place.
macro_rules! at {
    ($path:literal) => {
        const { index(&PLACES, concat!("properties.", $path)) }
    };
}

/// The value of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worth<'a> {
    /// A number; undefined if the event does not tell.
    pub(crate) value: Value<'a>,
    /// The currency that the amount's own text names.
    pub(crate) currency: Option<&'static str>,
    /// The text has the sign of several currencies.
    unclear: bool,
}

impl<'a> Resolved<'a, '_> {
    /// Returns the value of the event. The first call works it out and adds the warnings; `parent` is the object that the
    /// value stands in.
    pub(crate) fn worth(&mut self, parent: Parent) -> Worth<'a> {
        if let Some(worth) = self.worth {
            return worth;
        }
        let mut amounts = Amounts {
            lookups: self.lookups,
            arena: self.arena,
            warnings: self.warnings,
            parent,
            currency: None,
            unclear: false,
        };
        let worth = Worth {
            value: amounts.worth(self.event).into(),
            currency: amounts.currency,
            unclear: amounts.unclear,
        };
        self.worth = Some(worth);
        worth
    }

    /// Returns the currency of the value: the one given, or the one that the amount's own text names. The first call adds the
    /// warnings; `parent` is the object that the value stands in.
    pub fn currency(&mut self, given: Value<'a>, parent: Parent) -> Value<'a> {
        if let Some(known) = self.currency {
            return known;
        }
        let found = self.find_currency(given, parent);
        self.currency = Some(found);
        found
    }

    fn find_currency(&mut self, given: Value<'a>, parent: Parent) -> Value<'a> {
        let known = given.as_str().and_then(currency);
        let (own, unclear) = match self.derives.has(Derive::WORTH) && self.derives.has(Derive::CURRENCY) {
            true => {
                let worth = self.worth(parent);
                (worth.currency, worth.unclear)
            }
            false => (None, false),
        };
        match (known, own) {
            (Some(known), Some(own)) if known != own => {
                self.warnings
                    .push(reasons::other_currency(&parent.child("currency")));
            }
            (None, Some(own)) => {
                if given.is_defined() {
                    self.warnings
                        .push(reasons::no_currency(&parent.child("currency")));
                }
                self.warnings
                    .push(reasons::currency_of_amount(&parent.child("currency")));
                return Value::Str(own);
            }
            (None, None) if unclear && !given.is_defined() => {
                self.warnings
                    .push(reasons::no_currency(&parent.child("currency")));
            }
            _ => {}
        }
        known.map_or(given, Value::Str)
    }
}

/// The amounts of an event.
struct Amounts<'a, 'r> {
    lookups: Lookups<'a>,
    arena: &'a Bump,
    warnings: &'r mut Vec<Warning>,
    parent: Parent,
    currency: Option<&'static str>,
    unclear: bool,
}

impl<'a> Amounts<'a, '_> {
    fn worth(&mut self, event: &Event) -> Option<Value<'a>> {
        for place in [at!("value"), at!("revenue"), at!("subtotal")] {
            match self.lookups.of_kit(place) {
                Value::Undefined => {}
                // The common case, which is written as it came.
                value @ Value::Number(number) if number.is_finite() => return Some(value),
                _ => {
                    if let Some(amount) = self.amount(place) {
                        return Some(in_arena(amount, self.arena));
                    }
                }
            }
        }
        let products = self.lookups.of_kit(at!("products"));
        let worth = match self.total() {
            None if products.array_len() == 0 && !products.is_object() => self.pieces(),
            None if !shows_products(event) => self.sum(products),
            total => total,
        };
        worth.map(|worth| in_arena(worth, self.arena))
    }

    /// Returns the total less tax and shipping, unless that is below zero, as with an order that a voucher has paid.
    fn total(&mut self) -> Option<Decimal> {
        let total = self.amount(at!("total"))?;
        let mut net = total;
        for part in [at!("tax"), at!("shipping")] {
            if let Some(part) = self.amount(part) {
                net = net.minus(part)?;
            }
        }
        Some(if net.is_negative() { total } else { net })
    }

    /// Returns the price of the product that the properties describe times its quantity.
    fn pieces(&mut self) -> Option<Decimal> {
        let price = self.amount(at!("price"))?;
        match pieces(self.lookups.of_kit(at!("quantity"))) {
            Some(quantity) => price.times(quantity),
            None => {
                self.pass_over(at!("quantity"), "no number of pieces");
                None
            }
        }
    }

    /// Returns the prices of all products times their quantities, unless one of them cannot be read.
    fn sum(&mut self, products: Value<'a>) -> Option<Decimal> {
        let worth = |item: Value<'a>| {
            let price = amount(item.get("price")).ok()??;
            Some((price.number.times(pieces(item.get("quantity"))?)?, price.currency))
        };
        let numbered = products.numbered_items(self.arena);
        let products = numbered.map_or(products, Value::Array);
        let mut sum = None;
        let mut add = |item: Value<'a>| {
            let (worth, currency) = worth(item)?;
            self.currency = self.currency.or(currency);
            sum = Some(sum.map_or(Some(worth), |sum: Decimal| sum.plus(worth))?);
            Some(())
        };
        if products.is_array() {
            // Null and the like among the products are none.
            let mut items = products.items().filter(|item| item.is_object());
            items.try_for_each(&mut add)?;
        } else {
            add(products)?;
        }
        let sum = sum?;
        self.warnings
            .push(reasons::value_of_products(&self.parent.child("value")));
        Some(sum)
    }

    /// Returns the amount at a place. One that cannot be read is passed over with a warning.
    fn amount(&mut self, place: usize) -> Option<Decimal> {
        let value = self.lookups.of_kit(place);
        match value {
            Value::Undefined | Value::Null => return None,
            // Most amounts.
            Value::Number(number) => {
                let number = Decimal::of(number);
                if number.is_some() {
                    return number;
                }
            }
            _ => {}
        }
        match amount(value) {
            Ok(Some(amount)) => {
                self.currency = self.currency.or(amount.currency);
                self.unclear |= !amount.bare;
                Some(amount.number)
            }
            Ok(None) => {
                if value.as_str().is_some() {
                    self.pass_over(place, "blank");
                }
                None
            }
            Err(unreadable) => {
                self.pass_over(place, unreadable.words());
                None
            }
        }
    }

    fn pass_over(&mut self, place: usize, why: &str) {
        let at = PLACES.get(place).map_or("", |place| place.path);
        let path = self.parent.child("value");
        self.warnings.push(reasons::passed_over(&path, at, why));
    }
}

/// Returns true for events that show a list of products; the sum of their prices is not the value of such an event.
fn shows_products(event: &Event) -> bool {
    const LISTS: [&str; 4] = [
        "Product List Viewed",
        "Product List Filtered",
        "Product Category Viewed",
        "Products Searched",
    ];
    let name = event.root().get("event").and_then(Node::as_str);
    event.event_type() != "track" || name.is_some_and(|name| LISTS.contains(&name))
}

/// Reads an amount; nothing if there is none.
fn amount(value: Value<'_>) -> Result<Option<Amount>, Unreadable> {
    match value {
        Value::Undefined | Value::Null => Ok(None),
        Value::Str(text) if placeholder::trim(text).is_empty() => Ok(None),
        Value::Str(text) => read(text).map(Some),
        Value::Number(number) => {
            let number = Decimal::of(number).ok_or(Unreadable::NoAmount)?;
            Ok(Some(Amount {
                number,
                currency: None,
                bare: true,
            }))
        }
        list if list.array_len() == 1 => amount(list.index(0)),
        _ => Err(Unreadable::NoAmount),
    }
}

/// Reads a quantity. A missing one, or a placeholder for one, is 1; `None` if the value is no number or is negative.
fn pieces(value: Value<'_>) -> Option<Decimal> {
    let pieces = match amount(value) {
        Err(_) if value.as_str().and_then(placeholder::placeholder).is_some() => Decimal::ONE,
        Ok(None) => Decimal::ONE,
        Ok(Some(amount)) if amount.bare => amount.number,
        Ok(Some(_)) | Err(_) => return None,
    };
    (!pieces.is_negative()).then_some(pieces)
}
