//! Locales, of which a shop may write one where a country belongs.

use super::{countries, province_by_code, states};

/// The languages of ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee \
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg \
    ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv \
    ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk \
    tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// Returns the country of a locale such as `en_us`, `zh-hant-tw` or `de_at.utf-8`, or of a state of the United States or
/// Canada such as `us-ca`, in a cleaned text.
pub(super) fn country_of(cleaned: &str) -> Option<&'static str> {
    let locale = cleaned.split(['.', '@']).next()?;
    let (first, rest) = locale.split_once(['-', '_'])?;
    let last = rest.rsplit(['-', '_']).next()?;
    if last.len() != 2 {
        return None;
    }
    match first {
        "us" => states::by_code(last).map(|_| "US"),
        "ca" if province_by_code(last).is_some() => Some("CA"),
        _ if LANGUAGES.split(' ').any(|language| language == first) => countries::by_code(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_name_a_country() {
        for (text, country) in [
            ("en_us", Some("US")),
            ("fr-fr", Some("FR")),
            ("pt-br", Some("BR")),
            ("zh-hant-tw", Some("TW")),
            ("de_at.utf-8", Some("AT")),
            ("es_es@euro", Some("ES")),
            ("us-ca", Some("US")),
            ("ca-on", Some("CA")),
            ("ca-es", Some("ES")),
            ("us-zz", None),
            ("en", None),
            ("en-001", None),
            ("en-xx", None),
            ("xx-us", None),
            ("", None),
        ] {
            assert_eq!(country_of(text), country, "{text}");
        }
    }
}
