//! The browser library, for pages whose snippet asks this source for it. The operator supplies its files; Signalbox
//! brings none.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::path::Path;

use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use signalbox_core::{BuildError, Sha256Hex};

/// Bytes of a file; the library has about 100 kB.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// The most parts; no version has as many.
const MAX_CHUNKS: usize = 200;

/// The script itself, and the parts that it loads later, by name.
pub(crate) struct AnalyticsJs {
    script: Script,
    chunks: HashMap<String, Script>,
}

struct Script {
    plain: Bytes,
    gzip: Bytes,
    tag: HeaderValue,
}

/// Shows how many files.
impl fmt::Debug for AnalyticsJs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnalyticsJs(1 + {} files)", self.chunks.len())
    }
}

impl AnalyticsJs {
    /// Reads `standalone.js` and every `*.bundle.*.js` beside it.
    pub(crate) fn read(path: &str) -> Result<AnalyticsJs, BuildError> {
        let fault = |error: std::io::Error| {
            BuildError::new("analytics_js", format!("the file cannot be read: {error}"))
                .help("name the standalone.js of the npm package @segment/analytics-next (in its dist/umd)")
        };
        let path = Path::new(path);
        let script = Script::read(path).map_err(fault)?;
        let mut chunks = HashMap::new();
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        for entry in std::fs::read_dir(folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if name.contains(".bundle.") && name.ends_with(".js") && chunks.len() < MAX_CHUNKS {
                chunks.insert(name, Script::read(&entry.path()).map_err(fault)?);
            }
        }
        Ok(AnalyticsJs { script, chunks })
    }

    /// The script. Pages see a new version after five minutes.
    pub(crate) fn script(&self, request: &HeaderMap) -> Response {
        self.script.answer(request, "public, max-age=300")
    }

    /// A part of it. Their names change with their contents.
    pub(crate) fn chunk(&self, name: &str, request: &HeaderMap) -> Option<Response> {
        let chunk = self.chunks.get(name)?;
        Some(chunk.answer(request, "public, max-age=31536000, immutable"))
    }
}

impl Script {
    fn read(path: &Path) -> std::io::Result<Script> {
        if std::fs::metadata(path)?.len() > MAX_FILE_BYTES {
            return Err(std::io::Error::other("it is far too large for the library"));
        }
        let text = std::fs::read_to_string(path)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(text.as_bytes())?;
        let tag = format!("\"{}\"", Sha256Hex::of(&text).as_str());
        Ok(Script {
            gzip: gzip.finish()?.into(),
            plain: text.into(),
            tag: HeaderValue::try_from(tag).map_err(std::io::Error::other)?,
        })
    }

    fn answer(&self, request: &HeaderMap, cache: &'static str) -> Response {
        let has = |name, wanted: &str| {
            request
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|part| part.trim() == wanted)
        };
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        // Pages that isolate themselves load nothing without it.
        headers.insert(
            "cross-origin-resource-policy",
            HeaderValue::from_static("cross-origin"),
        );
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        if self.tag.to_str().is_ok_and(|tag| has(IF_NONE_MATCH, tag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/javascript; charset=utf-8"),
        );
        let body = if has(ACCEPT_ENCODING, "gzip") {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            &self.gzip
        } else {
            &self.plain
        };
        *response.body_mut() = body.clone().into();
        response
    }
}
