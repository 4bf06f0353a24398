//! The paths hashed by default.

use signalbox_conversions::personal::Field;

use crate::plan::{Plan, What};

/// Where a person's traits stand, and whether those of a group do, too.
const ROOTS: [(&str, bool); 3] = [("traits", true), ("context.traits", false), ("properties", false)];

/// Hashed wherever it stands, for groups, too.
const CONTACT: [(&str, Field); 2] = [("email", Field::Email), ("phone", Field::Phone)];

const PERSON: [(&str, Field); 8] = [
    ("firstName", Field::FirstName),
    ("first_name", Field::FirstName),
    ("lastName", Field::LastName),
    ("last_name", Field::LastName),
    ("gender", Field::Gender),
    ("birthday", Field::DateOfBirth),
    ("date_of_birth", Field::DateOfBirth),
    ("dateOfBirth", Field::DateOfBirth),
];

const ADDRESS: [(&str, Field); 7] = [
    ("city", Field::City),
    ("state", Field::State),
    ("postalCode", Field::Zip),
    ("postal_code", Field::Zip),
    ("zip", Field::Zip),
    ("country", Field::Country),
    ("street", Field::Street),
];

/// The addresses of an order: the payer's and the receiver's.
const OF_ORDERS: [&str; 2] = ["properties.billing_address", "properties.shipping_address"];

/// Parts of an order's address beside those of [`ADDRESS`].
const ADDRESS_OF_ORDER: [(&str, Field); 11] = [
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("first_name", Field::FirstName),
    ("firstName", Field::FirstName),
    ("last_name", Field::LastName),
    ("lastName", Field::LastName),
    ("address1", Field::Street),
    ("province", Field::State),
    ("postcode", Field::Zip),
    ("country_code", Field::Country),
    ("countryCode", Field::Country),
];

const IDS: [(&str, Field); 3] = [
    ("userId", Field::ExternalId),
    ("previousId", Field::ExternalId),
    ("context.device.advertisingId", Field::MobileAdId),
];

/// Adds everything that is hashed by default.
pub(crate) fn add(plan: &mut Plan) {
    for (root, of_groups) in ROOTS {
        for (key, field) in CONTACT {
            plan.add(&format!("{root}.{key}"), What::Field(field), false);
        }
        for (key, field) in PERSON {
            plan.add(&format!("{root}.{key}"), What::Field(field), of_groups);
        }
        address(plan, &format!("{root}.address"), of_groups);
        if root == "properties" {
            // `properties.name` is a product or a page, `properties.state` an order's, `properties.city` a shop's.
            continue;
        }
        for (key, field) in ADDRESS {
            plan.add(&format!("{root}.{key}"), What::Field(field), of_groups);
        }
        plan.add(&format!("{root}.name"), What::Name, of_groups);
    }
    for path in OF_ORDERS {
        address(plan, path, false);
        for (key, field) in ADDRESS_OF_ORDER {
            plan.add(&format!("{path}.{key}"), What::Field(field), false);
        }
    }
    for (path, field) in IDS {
        plan.add(path, What::Field(field), false);
    }
}

/// Adds an address: an object of parts, or the whole in one text.
pub(crate) fn address(plan: &mut Plan, path: &str, not_of_groups: bool) {
    plan.add(path, What::Field(Field::Street), not_of_groups);
    for (key, field) in ADDRESS {
        plan.add(&format!("{path}.{key}"), What::Field(field), not_of_groups);
    }
}
