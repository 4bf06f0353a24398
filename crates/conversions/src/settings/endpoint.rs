//! The setting `base_url`.

use signalbox_core::{BuildError, BuildErrors};
use signalbox_http::{Url, parse_url};

/// Returns the URL of a path below `base_url`; `None` beside an error.
pub fn endpoint<'p>(
    base_url: &str,
    path: impl IntoIterator<Item = &'p str>,
    errors: &mut BuildErrors,
) -> Option<Url> {
    match joined(base_url, path) {
        Ok(url) => Some(url),
        Err(message) => {
            errors.push(BuildError::new("base_url", message));
            None
        }
    }
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
