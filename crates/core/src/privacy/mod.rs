//! Recognises personal data and secrets by their key and by their form, and takes them out of URLs and search texts.
//!
//! | question | asked by |
//! |---|---|
//! | what does the value under this key mean? ([`meaning`]) | transforms that hash, and the scrubber |
//! | does this text look like an e-mail address or a phone number? ([`looks_like`]) | the watch for values left plain |
//! | may this name or id be shown? ([`shown_name`], [`looks_personal`]) | counts and the history |
//! | what stays of this URL or search text? ([`scrub_url`], [`scrub_query`], [`scrub_path`], [`scrub_text`]) | transforms and destinations |
//!
//! All functions are pure. The tables of words are in `words.rs`; docs/privacy.md shows them.

mod decode;
mod forms;
mod keys;
mod names;
mod place;
mod removed;
mod text;
mod url;
mod words;

pub use forms::{Look, looks_like, looks_like_phone_number};
pub use keys::{Holder, Key, Meaning, holder, meaning};
pub use names::{HIDDEN_NAME, looks_personal, shown_name};
pub use place::{Class, Found, Place, TextForm, fits, meaning_at};
pub use removed::{Removed, Scrubbed};
pub use text::scrub_text;
pub use url::{scrub_path, scrub_query, scrub_url};
