//! The settings in a pipeline file.

use std::collections::{BTreeMap, HashSet};

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, PlainRead, Secret, Sha256Hex, Sink,
    SinkConfig, SinkDeclarations, SinkDefaults, register_plugin,
};
use signalbox_http::{
    Class, ClientError, ClientOptions, HeaderMap, HeaderName, HeaderValue, HttpSink, StatusTable, Url,
    header, parse_url, secret_value,
};
use signalbox_segment::settings::{Findings, MappingConfig, compile_mappings, template_reads, trigger_reads};

use crate::options::{Method, Mode};
use crate::sink::Webhook;

/// Settings of the sink `webhook`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The `https://` or `http://` URL to send to. Treated as a secret, since such URLs often are one.
    pub url: Secret,
    /// The method of every request. Default `"POST"`.
    #[serde(default)]
    pub method: Method,
    /// Headers of every request; the values are treated as secrets. Default none.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// A request carries an array of events (`"batch"`) or one event (`"single"`). Default `"batch"`.
    #[serde(default)]
    pub mode: Mode,
    /// Statuses (300 to 599) after which the same records are sent again later, besides 408, 425, 429 and 5xx.
    /// Default none.
    #[serde(default)]
    #[schemars(inner(range(min = 300, max = 599)))]
    pub retry_statuses: Vec<u16>,
    /// Statuses (300 to 599) that refuse the records: a batch is halved until the one at fault is alone and
    /// becomes a dead letter. Besides 4xx that mean something else. Default none.
    #[serde(default)]
    #[schemars(inner(range(min = 300, max = 599)))]
    pub reject_statuses: Vec<u16>,
    /// Statuses (300 to 599) that the operator must act on: the sink keeps everything and probes, as after 401,
    /// 403 and 404. Default none.
    #[serde(default)]
    #[schemars(inner(range(min = 300, max = 599)))]
    pub hold_statuses: Vec<u16>,
    /// URL that answers GET with 2xx when deliveries can work. Default: `OPTIONS` on `url`.
    #[serde(default)]
    pub probe_url: Option<Secret>,
    /// URL of an HTTP proxy to send through. Default none; the environment's proxy variables are not read.
    #[serde(default)]
    pub proxy: Option<Secret>,
    /// Time for DNS, TCP and TLS together. Default `"10s"`.
    #[serde(default = "ten_seconds")]
    pub connect_timeout: HumanDuration,
    /// Mappings of events to JSON. Each mapping whose trigger matches makes a record. Default: every event as it is.
    #[serde(default)]
    pub mappings: Vec<MappingConfig>,
}

fn ten_seconds() -> HumanDuration {
    HumanDuration::from_secs(10)
}

register_plugin!(Sink, WebhookConfig, "webhook", "POSTs events as JSON to a URL.");

#[typetag::deserialize(name = "webhook")]
impl SinkConfig for WebhookConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let mut errors = Vec::new();
        let url = valid_url("url", &self.url, &mut errors);
        let probe_url = self
            .probe_url
            .as_ref()
            .and_then(|text| valid_url("probe_url", text, &mut errors));
        let headers = self.header_map(&mut errors);
        let statuses = self.statuses(&mut errors);
        if self.connect_timeout.0.is_zero() {
            errors.push(BuildError::new("connect_timeout", "must be longer than nothing"));
        }
        let mut findings = Findings::default();
        let read = |file: &std::path::Path| std::fs::read_to_string(file);
        let mappings = compile_mappings(&self.mappings, "mappings", &read, &mut findings);
        errors.append(&mut findings.errors);
        if !self.mappings.is_empty() && mappings.is_empty() {
            findings.warnings.push(
                BuildError::new("mappings", "none of them is enabled, so nothing is sent")
                    .help("without any mapping every event is sent as it is"),
            );
        }
        let options = ClientOptions {
            connect_timeout: self.connect_timeout.0,
            proxy: self.proxy.clone(),
            ..ClientOptions::default()
        };
        let (Some(url), true) = (url, errors.is_empty()) else {
            return Err(errors);
        };
        let webhook = Webhook {
            name: context.name.clone(),
            url,
            probe_url,
            method: self.method,
            mode: self.mode,
            headers,
            statuses,
            mappings: (!self.mappings.is_empty()).then_some(mappings),
        };
        match HttpSink::new(webhook, &options) {
            Ok(sink) => Ok(Built::sink(sink)
                .warnings(findings.warnings)
                .declares(SinkDeclarations {
                    mappings: self.fingerprints(),
                    reads: self.reads(),
                    ..SinkDeclarations::default()
                })),
            Err(error) => Err(vec![client_error(error)]),
        }
    }

    fn defaults(&self) -> SinkDefaults {
        let (max_events, max_events_ceiling, max_wait) = match self.mode {
            Mode::Batch => (100, 10_000, HumanDuration::from_secs(1)),
            Mode::Single => (1, 1, HumanDuration::from_secs(0)),
        };
        SinkDefaults {
            max_events,
            max_events_ceiling,
            max_wait,
            ..SinkDefaults::default()
        }
    }
}

impl WebhookConfig {
    /// The mappings by name, each with a fingerprint.
    fn fingerprints(&self) -> Vec<(String, String)> {
        let one = |(index, mapping): (usize, &MappingConfig)| {
            let name = mapping.name.clone();
            let name = name.unwrap_or_else(|| format!("mapping {}", index + 1));
            let fields = mapping.fields.as_ref().map(|fields| &fields.0);
            let what = format!("{:?} {fields:?} {:?}", mapping.trigger, mapping.fields_file);
            (name, Sha256Hex::of(&what).as_str().to_owned())
        };
        self.mappings.iter().enumerate().map(one).collect()
    }

    /// The values of the event that enabled mappings compare or write into texts.
    fn reads(&self) -> Vec<PlainRead> {
        let enabled = self
            .mappings
            .iter()
            .enumerate()
            .filter(|(_, mapping)| mapping.enabled);
        enabled
            .flat_map(|(index, mapping)| {
                let trigger = mapping.trigger.as_deref().unwrap_or_default();
                let mut reads = trigger_reads(trigger, &format!("mappings.{index}.trigger"));
                if let Some(fields) = &mapping.fields {
                    reads.extend(template_reads(&fields.0, &format!("mappings.{index}.fields")));
                }
                reads
            })
            .collect()
    }

    fn header_map(&self, errors: &mut BuildErrors) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut seen = HashSet::new();
        for (key, value) in &self.headers {
            let path = format!("headers.{key}");
            let Ok(name) = HeaderName::try_from(key) else {
                errors.push(BuildError::new(path, "not a header name"));
                continue;
            };
            if of_the_connection(&name) {
                errors.push(
                    BuildError::new(path, "this header belongs to the connection and cannot be set")
                        .help("leave it out; it is sent as it must be"),
                );
                continue;
            }
            if !seen.insert(name.clone()) {
                errors.push(BuildError::new(path, "the same header twice, in two spellings"));
                continue;
            }
            match secret_value(value) {
                Some(value) => {
                    headers.insert(name, value);
                }
                None => errors.push(
                    BuildError::new(path, "the value holds characters that no header may carry")
                        .help("a line break at the end of a file that holds a token is the usual cause"),
                ),
            }
        }
        headers
    }

    fn statuses(&self, errors: &mut BuildErrors) -> StatusTable {
        let mut taken = BTreeMap::new();
        let mut table = StatusTable::new();
        for (key, class, statuses) in [
            ("retry_statuses", Class::Retry, &self.retry_statuses),
            ("reject_statuses", Class::Isolate, &self.reject_statuses),
            ("hold_statuses", Class::Hold, &self.hold_statuses),
        ] {
            for (at, status) in statuses.iter().enumerate() {
                let path = format!("{key}.{at}");
                if !(300..=599).contains(status) {
                    errors.push(BuildError::new(path, "must be a status from 300 to 599"));
                } else if let Some(other) = taken.insert(*status, key).filter(|other| *other != key) {
                    errors.push(
                        BuildError::new(path, format!("this status stands in {other} as well"))
                            .help("keep it in one of the two"),
                    );
                }
            }
            table = table.with(class, statuses.iter().copied());
        }
        table
    }
}

fn of_the_connection(name: &HeaderName) -> bool {
    [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
        header::EXPECT,
    ]
    .contains(name)
}

fn valid_url(path: &str, text: &Secret, errors: &mut BuildErrors) -> Option<Url> {
    parse_url(text.expose())
        .map_err(|error| errors.push(BuildError::new(path, error)))
        .ok()
}

fn client_error(error: ClientError) -> BuildError {
    let path = match error {
        ClientError::Proxy => "proxy",
        ClientError::Tls => "",
    };
    BuildError::new(path, error.to_string())
}
