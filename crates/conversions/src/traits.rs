//! The places in an event where shops and libraries put personal values.

use crate::personal::Field;

/// The beginnings of the places in an order's addresses.
pub(crate) const ORDER_ADDRESSES: [&str; 2] = ["properties.billing_address.", "properties.shipping_address."];

/// Returns these names below the objects that hold a user: `properties`, `traits`, `context.traits`; behind the semicolon,
/// those of an order's addresses, which come last: the payer's before the receiver's.
macro_rules! below {
    ($($name:literal),* $(; $($of_order:literal),*)?) => {
        &[
            $(concat!("properties.", $name),)*
            $(concat!("traits.", $name),)*
            $(concat!("context.traits.", $name),)*
            $(
                $(concat!("properties.billing_address.", $of_order),)*
                $(concat!("properties.shipping_address.", $of_order),)*
            )?
        ]
    };
}

/// The same for an address, whose members stand in the traits themselves, too.
macro_rules! address {
    ($($name:literal),*; $($of_order:literal),*) => {
        &[
            $(concat!("properties.address.", $name),)*
            $(concat!("traits.address.", $name),)*
            $(concat!("traits.", $name),)*
            $(concat!("context.traits.address.", $name),)*
            $(concat!("context.traits.", $name),)*
            $(concat!("properties.billing_address.", $of_order),)*
            $(concat!("properties.shipping_address.", $of_order),)*
        ]
    };
}

/// Returns the places of a field, the likeliest first; none for ids.
pub(crate) const fn places(field: Field) -> &'static [&'static str] {
    match field {
        Field::Email => below!("email"; "email"),
        Field::Phone => below!("phone"; "phone"),
        Field::Gender => below!("gender"),
        Field::DateOfBirth => below!("birthday", "date_of_birth", "dateOfBirth"),
        Field::FirstName => below!("firstName", "first_name"; "first_name", "firstName"),
        Field::LastName => below!("lastName", "last_name"; "last_name", "lastName"),
        Field::City => address!("city"; "city"),
        Field::State => address!("state"; "state", "province"),
        Field::Zip => {
            address!("postalCode", "postal_code", "zip"; "zip", "postal_code", "postalCode", "postcode")
        }
        Field::Country => address!("country"; "country_code", "countryCode", "country"),
        Field::Street => address!("street"; "address1", "street"),
        Field::ExternalId | Field::MobileAdId => &[],
    }
}
