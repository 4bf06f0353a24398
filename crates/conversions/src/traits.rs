//! The places in an event where shops and libraries put personal values.

use crate::personal::Field;

/// Returns these names below the objects that hold a user: `properties`, `traits`, `context.traits`.
macro_rules! below {
    ($($name:literal),*) => {
        &[
            $(concat!("properties.", $name),)*
            $(concat!("traits.", $name),)*
            $(concat!("context.traits.", $name),)*
        ]
    };
}

/// The same for an address, whose members stand in the traits themselves, too.
macro_rules! address {
    ($($name:literal),*) => {
        &[
            $(concat!("properties.address.", $name),)*
            $(concat!("traits.address.", $name),)*
            $(concat!("traits.", $name),)*
            $(concat!("context.traits.address.", $name),)*
            $(concat!("context.traits.", $name),)*
        ]
    };
}

/// Returns the places of a field, the likeliest first; none for ids.
pub(crate) const fn places(field: Field) -> &'static [&'static str] {
    match field {
        Field::Email => below!("email"),
        Field::Phone => below!("phone"),
        Field::Gender => below!("gender"),
        Field::DateOfBirth => below!("birthday", "date_of_birth", "dateOfBirth"),
        Field::FirstName => below!("firstName", "first_name"),
        Field::LastName => below!("lastName", "last_name"),
        Field::City => address!("city"),
        Field::State => address!("state"),
        Field::Zip => address!("postalCode", "postal_code", "zip"),
        Field::Country => address!("country"),
        Field::Street => address!("street"),
        Field::ExternalId | Field::MobileAdId => &[],
    }
}
