//! Normalising: a text on its way to the form that is hashed.

use std::cell::RefCell;
use std::ops::ControlFlow;

use signalbox_core::Sha256Hex;
use signalbox_segment::placeholder;
use signalbox_segment::value::{is_js_space, js_trim};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::cache::{Cache, Short, has_few};
use super::field::{Dropped, Field};
use super::phone::Number;
use super::place::{Nowhere, Place};
use super::step::{Codes, PhoneForm, Reading, Rules, Step};
use super::text;
use super::{birthday, email, geo, phone, placeholders, postal};

/// Form of the text that [`normalise`] left in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Plain text, ready to be hashed.
    Plain,
    /// 64 hexadecimal digits in lower case: the value was hashed already and must not be hashed again.
    Hashed,
    /// The value as given, which the rules take for a hash: 64 hexadecimal digits of either case, or, under
    /// [`Reading::HoldsHashOrClean`], any text that holds them.
    Given,
}

/// The kind of a normal form and the doubt about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Normal {
    /// The kind of the text.
    pub form: Form,
    /// The doubt about the value. Only [`Dropped::NoCountryCode`] is one.
    pub doubt: Option<Dropped>,
}

/// Brings a value into the form that is hashed, in `out` (cleared first), without knowing its person's place. Of a text with
/// several phone numbers, this is the first.
///
/// White space is JavaScript's set ([`signalbox_segment::value::is_js_space`]) everywhere. A value that is a SHA-256
/// already gives [`Form::Hashed`].
///
/// # Errors
/// A [`Dropped`] when nothing can be sent for the value; `out` is then unspecified.
pub fn normalise(field: Field, rules: &Rules, text: &str, out: &mut String) -> Result<Form, Dropped> {
    normalise_at(field, rules, text, &Nowhere, out).map(|normal| normal.form)
}

thread_local! {
    static CACHE: RefCell<Cache<Short>> = const { RefCell::new(Cache::EMPTY) };
}

/// Brings a value into its normal form, as [`normalise`] does, with a cache for the fields with few values.
///
/// # Errors
/// As [`normalise`].
pub fn normalise_cached(
    field: Field,
    rules: &'static Rules,
    text: &str,
    out: &mut String,
) -> Result<Form, Dropped> {
    if !has_few(field, text) {
        return normalise(field, rules, text, out);
    }
    CACHE.with_borrow_mut(|cache| {
        let mut form = Form::Plain;
        let cached = cache.get((field, rules), text, || {
            form = normalise(field, rules, text, out)?;
            // A hash is no plain value, and a long form is rare.
            Ok(Short::of(out).filter(|_| form == Form::Plain))
        })?;
        if let Some(cached) = cached {
            out.clear();
            out.push_str(cached.as_str());
        }
        Ok(form)
    })
}

/// Brings a value into the form that is hashed, as [`normalise`] does, by the place of its person.
///
/// # Errors
/// As [`normalise`].
pub fn normalise_at(
    field: Field,
    rules: &Rules,
    text: &str,
    place: &dyn Place,
    out: &mut String,
) -> Result<Normal, Dropped> {
    out.clear();
    match rules.reading_of(field) {
        Reading::Screened => screened(field, rules, text, place, out),
        reading => verbatim(field, reading, rules.steps(field), text, out).map(Normal::certain),
    }
}

/// Hands over every normal form of a value, each in `out`, or the reasons why there is none. A text may hold several phone
/// numbers; other fields have one form.
pub fn normalise_each(
    field: Field,
    rules: &Rules,
    text: &str,
    place: &dyn Place,
    out: &mut String,
    take: &mut dyn FnMut(Result<Normal, Dropped>, &str),
) {
    out.clear();
    if let (Reading::Screened, [Step::Phone(form)]) = (rules.reading_of(field), rules.steps(field)) {
        match screen(field, rules, text, out) {
            Ok(None) => phone::numbers(text, place, out, &mut |number, out| {
                take(number.and_then(|number| form.of(number, out)), out);
                ControlFlow::Continue(())
            }),
            Ok(Some(form)) => take(Ok(Normal::certain(form)), out),
            Err(dropped) => take(Err(dropped), out),
        }
    } else {
        let normal = normalise_at(field, rules, text, place, out);
        take(normal, out);
    }
}

impl Normal {
    fn certain(form: Form) -> Normal {
        Normal { form, doubt: None }
    }
}

impl PhoneForm {
    /// Brings the digits of a number into the form.
    fn of(self, number: Number, digits: &mut String) -> Result<Normal, Dropped> {
        let doubt = match (self, number) {
            (PhoneForm::Digits, Number::International) => None,
            (PhoneForm::Digits, Number::National) => Some(Dropped::NoCountryCode),
            (PhoneForm::E164, Number::National) => return Err(Dropped::NationalNumber),
            (PhoneForm::E164, Number::International) => {
                digits.insert(0, '+');
                None
            }
        };
        let form = Form::Plain;
        Ok(Normal { form, doubt })
    }
}

/// Brings the first number of a text into the form, in `out`.
fn first_number(form: PhoneForm, text: &str, place: &dyn Place, out: &mut String) -> Result<Normal, Dropped> {
    let mut first = Err(Dropped::NoDigits);
    let mut any = false;
    phone::numbers(text, place, out, &mut |number, out| {
        let normal = number.and_then(|number| form.of(number, out));
        if normal.is_ok() || !any {
            first = normal;
        }
        any = true;
        match normal {
            Ok(_) => ControlFlow::Break(()),
            Err(_) => ControlFlow::Continue(()),
        }
    });
    first
}

#[inline]
fn screened(
    field: Field,
    rules: &Rules,
    text: &str,
    place: &dyn Place,
    out: &mut String,
) -> Result<Normal, Dropped> {
    let steps = rules.steps(field);
    if let Some(form) = screen(field, rules, text, out)? {
        return Ok(Normal::certain(form));
    }
    if let [Step::Phone(form)] = steps {
        return first_number(*form, text, place, out);
    }
    if steps.is_empty() {
        return Ok(Normal::certain(Form::Plain));
    }
    run(steps, field, text, place, out)?;
    // A hash may have been written with something between its digits; it must not be hashed again either.
    let form = match is_sha256(out) {
        true => of_something(field, out)?,
        false => Form::Plain,
    };
    Ok(Normal::certain(form))
}

/// Cleans a text and drops what cannot be an identity; a form if the text is a hash. Phones come out unspecified.
#[inline]
fn screen(field: Field, rules: &Rules, text: &str, out: &mut String) -> Result<Option<Form>, Dropped> {
    // Most phones: too short to be a hash of any kind, and the digits need no cleaning.
    if field == Field::Phone && text.len() < 32 && text.is_ascii() && !placeholder::is_blank(text) {
        return Ok(None);
    }
    text::clean(text, out);
    if out.is_empty() {
        return Err(Dropped::Empty);
    }
    if is_sha256(out) {
        return of_something(field, out).map(Some);
    }
    if rules.takes_suffixed_hashes() && is_suffixed_sha256(out) {
        out.truncate(64);
        return of_something(field, out).map(Some);
    }
    if placeholders::is_foreign_hash(field, out) {
        return Err(Dropped::ForeignHash);
    }
    // Dates and phones are not looked up as words: their own errors say more.
    if !matches!(field, Field::Phone | Field::DateOfBirth) && placeholders::is_junk(field, out) {
        return Err(Dropped::Junk);
    }
    Ok(None)
}

fn verbatim(
    field: Field,
    reading: Reading,
    steps: &[Step],
    text: &str,
    out: &mut String,
) -> Result<Form, Dropped> {
    if js_trim(text).is_empty() {
        return Err(Dropped::Empty);
    }
    // No trimming before this test: Segment hashes a padded hash again.
    let given = match reading {
        Reading::HashOrClean => is_hex64(text),
        Reading::HoldsHashOrClean => holds_hex64(text),
        _ => false,
    };
    if given {
        out.push_str(text);
        return Ok(Form::Given);
    }
    match reading {
        Reading::LowerThenHash => text::lower_case(text, out),
        _ => text::squeeze(text, out),
    }
    run(steps, field, text, &Nowhere, out)?;
    match reading {
        _ if out.is_empty() => Err(Dropped::Empty),
        Reading::CleanThenHash | Reading::LowerThenHash if is_sha256(out) => Ok(Form::Hashed),
        _ => Ok(Form::Plain),
    }
}

fn is_sha256(cleaned: &str) -> bool {
    cleaned.len() == 64 && Sha256Hex::are_digits(cleaned.as_bytes())
}

/// Drops the hash of a placeholder or of the empty text, which many users of careless senders share.
fn of_something(field: Field, hash: &str) -> Result<Form, Dropped> {
    match placeholders::is_hash_of_junk(field, hash) {
        true => Err(Dropped::Junk),
        false => Ok(Form::Hashed),
    }
}

/// Returns true for a SHA-256, a dot, and 2 or 8 characters.
fn is_suffixed_sha256(cleaned: &str) -> bool {
    let suffix = cleaned.as_bytes().split_first_chunk::<64>();
    suffix.is_some_and(|(hash, suffix)| {
        matches!(suffix.len(), 3 | 9) && suffix.first() == Some(&b'.') && Sha256Hex::are_digits(hash)
    })
}

fn is_hex64(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn holds_hex64(text: &str) -> bool {
    text.len() >= 64
        && text
            .split(|c: char| !c.is_ascii_hexdigit())
            .any(|run| run.len() >= 64)
}

/// Runs the steps of a field on its cleaned text in `out`; `text` is the value as given.
fn run(steps: &[Step], field: Field, text: &str, place: &dyn Place, out: &mut String) -> Result<(), Dropped> {
    for step in steps {
        match step {
            Step::EmailAddress => email::address(out)?,
            Step::OneWord => one_word(text)?,
            Step::AsGiven => {
                out.clear();
                out.push_str(placeholder::trim(text));
            }
            Step::LowerCase if out.is_ascii() => out.make_ascii_lowercase(),
            Step::LowerCase => *out = out.to_lowercase().nfc().collect(),
            Step::AsciiDigits => out.retain(|c| c.is_ascii_digit()),
            Step::Required(missing) if out.is_empty() => return Err(*missing),
            Step::Required(_) => {}
            Step::Phone(form) => {
                first_number(*form, text, place, out)?;
            }
            Step::Prefix(prefix) => out.insert_str(0, prefix),
            Step::AtMost(most) => out.truncate(*most),
            Step::Codes(codes) => code(codes, out)?,
            Step::Names(names) => replace_lower(names.code(out), out),
            Step::Birthday => birthday::compact(text, out)?,
            Step::NoPunctuation => {
                if out.is_ascii() {
                    out.retain(|c| !c.is_ascii_punctuation());
                } else if out.contains(|c: char| c.is_ascii_punctuation()) {
                    // Composed again, as by `letters_and_digits`.
                    *out = out.chars().filter(|c| !c.is_ascii_punctuation()).nfc().collect();
                }
                check_again(field, out)?;
            }
            Step::LettersAndDigits => letters_and_digits(field, out)?,
            Step::AsciiLettersAndDigits => {
                out.clear();
                let kept = text.bytes().filter(u8::is_ascii_alphanumeric);
                out.extend(kept.map(|byte| char::from(byte.to_ascii_lowercase())));
            }
            Step::State if geo::is_no_state(out) => return Err(Dropped::Junk),
            Step::State => {
                let code = geo::state_in(out).or_else(|| geo::armed_forces_in(out));
                replace_lower(code, out);
            }
            Step::Province => replace_lower(geo::province_in(out), out),
            Step::Country => replace_lower(geo::country_in(out), out),
            Step::CountryCode => geo::known_country(out)?,
            Step::PostalCode => {
                postal::normal_form(text, place, out)?;
                check_again(field, out)?;
            }
        }
    }
    Ok(())
}

fn replace_lower(code: Option<&str>, out: &mut String) {
    if let Some(code) = code {
        out.clear();
        out.push_str(code);
        out.make_ascii_lowercase();
    }
}

fn one_word(text: &str) -> Result<(), Dropped> {
    match js_trim(text).contains(is_js_space) {
        true => Err(Dropped::NotAnEmail),
        false => Ok(()),
    }
}

fn code(codes: &Codes, out: &mut String) -> Result<(), Dropped> {
    if !codes.punctuation {
        out.retain(char::is_alphanumeric);
    }
    let is_one_of = |words: &str| words.split(' ').any(|word| word == *out);
    match codes.words.iter().find(|(_, words)| is_one_of(words)) {
        Some((code, _)) => {
            out.clear();
            out.push_str(code);
            Ok(())
        }
        None => codes.unknown.map_or(Ok(()), Err),
    }
}

fn letters_and_digits(field: Field, out: &mut String) -> Result<(), Dropped> {
    let stays = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    if out.is_ascii() {
        retain_alphanumeric(out);
    } else if !out.chars().all(stays) {
        // Composed again, since what stood between a letter and an accent may be gone.
        *out = out.chars().filter(|&c| stays(c)).nfc().collect();
    }
    check_again(field, out)
}

fn retain_alphanumeric(out: &mut String) {
    if !out.bytes().all(|b| b.is_ascii_alphanumeric()) {
        out.retain(|c| c.is_ascii_alphanumeric());
    }
}

/// Removing punctuation may have exposed a placeholder or a hash; deciding now keeps normalising idempotent.
fn check_again(field: Field, out: &str) -> Result<(), Dropped> {
    if out.is_empty() {
        Err(Dropped::Empty)
    } else if placeholders::is_junk(field, out) {
        Err(Dropped::Junk)
    } else if placeholders::is_foreign_hash(field, out) {
        Err(Dropped::ForeignHash)
    } else {
        Ok(())
    }
}
