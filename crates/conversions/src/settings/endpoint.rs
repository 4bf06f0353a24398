//! The setting `base_url`.

use signalbox_core::BuildError;
use signalbox_http::{Url, parse_url};
use signalbox_segment::settings::Findings;

/// Returns the URL of a path below `base_url`; `None` beside an error. Warns if the URL has no version of the API, or two.
pub fn endpoint<'p>(
    base_url: &str,
    path: impl IntoIterator<Item = &'p str> + Clone,
    findings: &mut Findings,
) -> Option<Url> {
    match joined(base_url, path.clone()) {
        Ok(url) => {
            let ours = path.into_iter().find(|segment| is_version(segment));
            findings.warnings.extend(doubt(&url, ours));
            Some(url)
        }
        Err(message) => {
            findings.errors.push(BuildError::new("base_url", message));
            None
        }
    }
}

/// Returns a warning about the versions in a URL, if there is none or there are two. `ours` is the version that the sink adds to `base_url`.
fn doubt(url: &Url, ours: Option<&str>) -> Option<BuildError> {
    let versions = url.path_segments()?.filter(|segment| is_version(segment)).count();
    match (ours, versions) {
        (None, 0) => {
            let warning = BuildError::new("base_url", "has no version of the API in its path");
            Some(warning.help("end it with the version, as the default address does"))
        }
        (Some(ours), 2..) => {
            let message =
                format!("has a version of the API in its path, and the sink adds \"{ours}\" behind it");
            Some(BuildError::new("base_url", message).help("take the version out of base_url"))
        }
        _ => None,
    }
}

/// Returns true for a segment such as `v5` or `v1.3`.
fn is_version(segment: &str) -> bool {
    let number = segment.strip_prefix(['v', 'V']).unwrap_or_default();
    number.starts_with(|c: char| c.is_ascii_digit()) && number.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn joined<'p>(base_url: &str, path: impl IntoIterator<Item = &'p str>) -> Result<Url, String> {
    let mut url = parse_url(base_url).map_err(|error| error.to_string())?;
    if url.query().is_some() {
        return Err("must not have a query (\"?…\")".to_owned());
    }
    let mut segments = url
        .path_segments_mut()
        .map_err(|()| "cannot have a path behind it")?;
    segments.pop_if_empty().extend(path);
    drop(segments);
    Ok(url)
}
