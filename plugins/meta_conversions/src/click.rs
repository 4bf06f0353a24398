//! Meta's click and browser ids, `fbc` and `fbp`.

/// Characters that a click id may have, by Meta's parameter builder.
const LONGEST: usize = 500;

/// Returns true for `fb.{subdomain index}.{milliseconds}.{id}`, the form of both ids. What follows the id, such as the
/// suffix of Meta's parameter builder, belongs to it.
pub(crate) fn is_well_formed(id: &str) -> bool {
    let number = |part: Option<&str>| {
        part.is_some_and(|part| {
            !part.is_empty() && part.len() <= 15 && part.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let mut parts = id.splitn(4, '.');
    parts.next() == Some("fb")
        && number(parts.next())
        && number(parts.next())
        && parts.next().is_some_and(is_id)
}

/// Returns true for a click id that can be sent: whole or not at all.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_four_parts() {
        for id in [
            "fb.1.1554763741205.AbCdEfGhIjKlMnOpQrStUvWxYz1234567890",
            "fb.0.1.x",
            "fb.2.1554763741205.IwAR.Bg",
        ] {
            assert!(is_well_formed(id), "{id}");
        }
        for id in [
            "",
            "IwAR2",
            "fb.1.x.y",
            "fb.1.1554763741205",
            "fb.1.1554763741205.",
            "fb..1.x",
            "FB.1.1.x",
            "fb.1.1.a b",
        ] {
            assert!(!is_well_formed(id), "{id}");
        }
    }

    #[test]
    fn click_ids_are_sent_whole() {
        assert!(is_id(&"a".repeat(500)) && !is_id(&"a".repeat(501)) && !is_id("") && !is_id("ü"));
    }
}
