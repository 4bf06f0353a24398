//! Normalising and hashing of personal fields by rules that are data.
//!
//! Both functions are pure. [`normalise`] brings one value of one [`Field`] into the form that is hashed, [`hash`]
//! hashes it. Both work in a scratch buffer that the caller keeps, so that ASCII values, nearly all there are, cost
//! no allocation. Each thread caches the results of fields with few values.
//!
//! A destination names one of the sets of [`Rules`] ([`rules`]), or brings its own.
//!
//! Privacy: no error of this module carries a value, only a [`Dropped`] code.

mod birthday;
mod cache;
mod email;
mod field;
pub mod geo;
mod hash;
mod name;
mod normalise;
mod phone;
mod place;
mod placeholders;
mod postal;
pub mod rules;
mod second;
pub mod segment;
mod spreadsheet;
mod step;
mod text;

pub use field::{Dropped, Field};
pub use hash::{Hashed, hash, hash_each};
pub use name::split_name;
pub use normalise::{Form, Normal, normalise, normalise_at, normalise_cached, normalise_each};
pub use place::{Nowhere, Place};
pub use rules::Rules;
pub(crate) use text::{ascii_digit, is_invisible};

#[cfg(test)]
mod tests;
