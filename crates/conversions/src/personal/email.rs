//! E-mail addresses: the quotes and brackets around them go, and placeholders are no addresses.

use signalbox_segment::placeholder::placeholder;

use super::field::Dropped;

/// Takes off what links, spreadsheets and lists put around an address (`mailto:`, quotes, angle brackets, a comma or
/// semicolon at its end), and checks for one `@` with something on both sides, and no more: only the mail server knows which
/// addresses exist. The text is cleaned: no white space, lower case.
pub(super) fn address(cleaned: &mut String) -> Result<(), Dropped> {
    unwrap(cleaned);
    let at = memchr::memchr(b'@', cleaned.as_bytes()).ok_or(Dropped::NotAnEmail)?;
    let (user, domain) = (&cleaned[..at], &cleaned[at + 1..]);
    if domain.contains('@') {
        let list = cleaned.contains([',', ';', '|', '/']);
        return Err(if list {
            Dropped::SeveralValues
        } else {
            Dropped::NotAnEmail
        });
    }
    let bracketed = memchr::memchr2(b'<', b'>', cleaned.as_bytes()).is_some();
    if user.is_empty() || domain.is_empty() || bracketed {
        Err(Dropped::NotAnEmail)
    } else if is_of_nobody(user, domain) {
        Err(Dropped::Junk)
    } else {
        Ok(())
    }
}

/// Takes off what stands around an address.
fn unwrap(text: &mut String) {
    const SCHEME: &str = "mailto:";
    let is_inner = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    if is_inner(bytes.first()) && is_inner(bytes.last()) && !text.starts_with(SCHEME) {
        return;
    }
    let quote = |c: char| {
        matches!(
            c,
            '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}'
        )
    };
    let open = |c: char| quote(c) || matches!(c, '<' | '(' | '[' | '=');
    let close = |c: char| quote(c) || matches!(c, '>' | ')' | ']' | ',' | ';' | '.');
    let mut address = text.as_str();
    loop {
        let bare = address.trim_start_matches(open).trim_end_matches(close);
        let bare = bare.strip_prefix(SCHEME).unwrap_or(bare);
        if bare.len() == address.len() {
            break;
        }
        address = bare;
    }
    *text = address.to_owned();
}

/// Returns true for `undefined@undefined`, `none@none.com` and the like: one placeholder on both sides of the `@`.
fn is_of_nobody(user: &str, domain: &str) -> bool {
    let rest = domain.strip_prefix(user);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) && placeholder(user).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::rules::{META, PINTEREST, TIKTOK};
    use super::super::{Field, normalise};
    use super::*;

    #[test]
    fn what_stands_around_an_address_goes() {
        let mut out = String::new();
        for (text, address) in [
            ("mailto:Ada@example.com", "ada@example.com"),
            ("\"ada@example.com\"", "ada@example.com"),
            ("'ada@example.com", "ada@example.com"),
            ("=\"ada@example.com\"", "ada@example.com"),
            ("\u{201c}ada@example.com\u{201d}", "ada@example.com"),
            ("<ada@example.com>", "ada@example.com"),
            ("<mailto:ada@example.com>", "ada@example.com"),
            ("ada@example.com;", "ada@example.com"),
            ("ada@example.com,", "ada@example.com"),
            ("ada@example.com.", "ada@example.com"),
            ("o'neil@example.com", "o'neil@example.com"),
            ("_ada_@example.com", "_ada_@example.com"),
            ("ädä@exämple.ör", "ädä@exämple.ör"),
            ("mailto:", "!not_an_email"),
            ("''", "!junk"),
            ("@example.com.", "!not_an_email"),
            ("a@example.com;b@example.com;", "!several_values"),
        ] {
            for rules in [&PINTEREST, &META, &TIKTOK] {
                let normal = normalise(Field::Email, rules, text, &mut out);
                let found = normal.map_or_else(|dropped| format!("!{}", dropped.code()), |_| out.clone());
                assert_eq!(found, address, "{text} by {}", rules.name());
            }
        }
    }

    #[test]
    fn one_placeholder_on_both_sides_is_nobody() {
        for (user, domain, nobody) in [
            ("undefined", "undefined", true),
            ("null", "null", true),
            ("none", "none.com", true),
            ("n/a", "n/a.com", true),
            ("unknown", "unknown.org", true),
            ("none", "nonesuch.com", false),
            ("ada", "ada.com", false),
            ("guest", "example.com", false),
        ] {
            assert_eq!(is_of_nobody(user, domain), nobody, "{user}@{domain}");
        }
    }
}
