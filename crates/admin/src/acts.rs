//! Which requests act: they change or send something, so the role `read` may not send them.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::http::Method;

/// The paths of POSTs, each with the word for its act; `None` marks one that only reads. On a path that is not listed every
/// method but GET acts, so that a path added later is safe.
#[derive(Debug, Default)]
pub(crate) struct Acts(HashMap<Cow<'static, str>, Option<&'static str>>);

impl Acts {
    pub(crate) fn new<P: Into<Cow<'static, str>>>(
        posts: impl IntoIterator<Item = (P, Option<&'static str>)>,
    ) -> Acts {
        Acts(posts.into_iter().map(|(path, act)| (path.into(), act)).collect())
    }

    /// Returns the word for the act of a request; `None` if it only reads. `path` is the pattern of its route, which holds no value.
    pub(crate) fn act<'a>(&self, method: &Method, path: Option<&'a str>) -> Option<&'a str> {
        if matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let path = path.unwrap_or_default();
        match (*method == Method::POST).then(|| self.0.get(path)).flatten() {
            Some(listed) => *listed,
            None => Some(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_acts() {
        let acts = Acts::new([("/events", None), ("/reload", Some("reload"))]);
        let act = |method, path| acts.act(&method, path);
        assert_eq!(act(Method::POST, Some("/events")), None);
        assert_eq!(act(Method::POST, Some("/reload")), Some("reload"));
        assert_eq!(act(Method::POST, Some("/later/{id}")), Some("/later/{id}"));
        assert_eq!(act(Method::POST, None), Some(""));
        assert_eq!(act(Method::DELETE, Some("/events")), Some("/events"));
        assert_eq!(
            (act(Method::GET, Some("/reload")), act(Method::HEAD, None)),
            (None, None)
        );
    }
}
