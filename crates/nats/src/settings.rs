//! The settings of a connection, and their checks.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, BuildErrors, Secret};

use crate::address;

/// Certificates for the connection to the servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionTls {
    /// PEM file with the certificates of the authorities to trust, read again at each connection. Default: those of the system.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// PEM file with the router's own certificate, for servers that ask for one (`verify`). Needs `key`. Default: none.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of `certificate`. Default: none.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

/// A connection to the servers of one cluster. [`with_connection!`](crate::with_connection) makes it of a component's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// `nats://HOST:PORT` or `tls://HOST:PORT`, at least one.
    pub servers: Vec<String>,
    /// The text of a file of credentials.
    pub credentials: Option<Secret>,
    /// The user; needs `password`.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<Secret>,
    /// A token.
    pub token: Option<Secret>,
    /// The seed of a user's NKey.
    pub nkey: Option<Secret>,
    /// Certificates; with this table every connection uses TLS.
    pub tls: Option<ConnectionTls>,
}

/// Adds the settings of a [`Connection`] to a component's settings, so that they stand beside its own keys: `servers`,
/// `credentials`, `user`, `password`, `token`, `nkey` and `tls`. The struct gets a method `connection()`, which returns them.
#[macro_export]
macro_rules! with_connection {
    ($(#[$($attribute:tt)*])* pub struct $name:ident { $($fields:tt)* }) => {
        $(#[$($attribute)*])*
        pub struct $name {
            /// Addresses of the cluster's servers, such as `["nats://n1:4222", "nats://n2:4222"]`; `tls://` demands TLS. The
            /// client uses only these, and goes to the next when one fails. Required.
            pub servers: Vec<String>,
            /// Text of a credentials file (`.creds`), as `"${file:/run/secrets/nats.creds}"`. Default: none.
            #[serde(default)]
            pub credentials: Option<$crate::Secret>,
            /// User name. Needs `password`. Default: none.
            #[serde(default)]
            pub user: Option<String>,
            /// Password of `user`. Default: none.
            #[serde(default)]
            pub password: Option<$crate::Secret>,
            /// Token, for servers that ask for one. Default: none.
            #[serde(default)]
            pub token: Option<$crate::Secret>,
            /// Seed of a user's NKey, which begins with `SU`. Default: none.
            #[serde(default)]
            pub nkey: Option<$crate::Secret>,
            /// Certificates: `{ ca = "…", certificate = "…", key = "…" }`, each optional. With this table every connection uses
            /// TLS. Default: TLS for `tls://` and for servers that demand it, with the system's authorities.
            #[serde(default)]
            pub tls: Option<$crate::ConnectionTls>,
            $($fields)*
        }

        impl $name {
            /// Returns the settings of the connection.
            pub fn connection(&self) -> $crate::Connection {
                $crate::Connection {
                    servers: self.servers.clone(),
                    credentials: self.credentials.clone(),
                    user: self.user.clone(),
                    password: self.password.clone(),
                    token: self.token.clone(),
                    nkey: self.nkey.clone(),
                    tls: self.tls.clone(),
                }
            }
        }
    };
}

impl Connection {
    /// Returns every setting that does not fit, with its path and without its value.
    #[must_use]
    pub fn faults(&self) -> BuildErrors {
        let mut faults = Vec::new();
        self.check_servers(&mut faults);
        self.check_credentials(&mut faults);
        if let Some(tls) = &self.tls {
            let (missing, present) = match (&tls.certificate, &tls.key) {
                (Some(_), None) => ("key", "certificate"),
                (None, Some(_)) => ("certificate", "key"),
                _ => return faults,
            };
            faults.push(
                BuildError::new(format!("tls.{present}"), format!("needs `{missing}` beside it"))
                    .help(format!("add `{missing}`, a PEM file, or leave both out")),
            );
        }
        faults
    }

    /// Returns warnings about settings that are accepted: secrets that would cross a network in plaintext, keys that others
    /// may read. Looks at files.
    #[must_use]
    pub fn doubts(&self) -> Vec<BuildError> {
        use std::os::unix::fs::MetadataExt as _;
        let mut doubts = Vec::new();
        let is_plain = |server: &&String| server.starts_with("nats://") && !address::is_loopback(server);
        let setting = match (&self.token, &self.password) {
            (Some(_), _) => Some("token"),
            (None, Some(_)) => Some("password"),
            (None, None) => None,
        };
        if let Some(setting) = setting
            && self.tls.is_none()
            && self.servers.iter().any(|server| is_plain(&server))
        {
            doubts.push(
                BuildError::new(setting, "crosses the network in plaintext unless the server demands TLS")
                    .help("write tls:// in `servers`, or use `credentials` or `nkey`, of which the secret is never sent"),
            );
        }
        if let Some(key) = self.tls.as_ref().and_then(|tls| tls.key.as_ref())
            && let Ok(metadata) = std::fs::metadata(key)
            && let Some(told) = signalbox_core::exposed(key, metadata.mode())
        {
            doubts.push(BuildError::new("tls.key", told));
        }
        doubts
    }

    fn check_servers(&self, faults: &mut BuildErrors) {
        if self.servers.is_empty() {
            faults.push(
                BuildError::new("servers", "names no server")
                    .help("write servers = [\"nats://n1:4222\"], with all servers of the cluster"),
            );
        }
        for (at, server) in self.servers.iter().enumerate() {
            let path = format!("servers.{at}");
            if let Err((told, help)) = address::check(server) {
                faults.push(BuildError::new(path, told).help(help));
            } else if self.servers[..at].contains(server) {
                faults
                    .push(BuildError::new(path, "is the same server as one before it").help("leave it out"));
            }
        }
    }

    fn check_credentials(&self, faults: &mut BuildErrors) {
        let kinds = [
            ("credentials", self.credentials.is_some()),
            ("user", self.user.is_some() || self.password.is_some()),
            ("token", self.token.is_some()),
            ("nkey", self.nkey.is_some()),
        ];
        let mut given = kinds.iter().filter(|(_, given)| *given).map(|(kind, _)| *kind);
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            faults.push(
                BuildError::new(second, format!("excludes `{first}`"))
                    .help("keep the one that the server knows: `credentials`, `user` with `password`, `token` or `nkey`"),
            );
        }
        match (&self.user, &self.password) {
            (Some(_), None) => {
                faults.push(BuildError::new("user", "needs `password` beside it").help("add `password`"));
            }
            (None, Some(_)) => {
                faults.push(BuildError::new("password", "needs `user` beside it").help("add `user`"));
            }
            _ => {}
        }
        if self.user.as_deref() == Some("") {
            faults.push(BuildError::new("user", "is empty"));
        }
        let secrets = [
            ("credentials", &self.credentials),
            ("password", &self.password),
            ("token", &self.token),
            ("nkey", &self.nkey),
        ];
        for (path, secret) in secrets {
            if secret.as_ref().is_some_and(Secret::is_empty) {
                faults.push(
                    BuildError::new(path, "is empty").help("a variable that is not set is the usual cause"),
                );
            }
        }
        let shown = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().trim().to_owned());
        if let Some(text) = shown(&self.credentials).filter(|text| !text.is_empty()) {
            check_creds(&text, faults);
        }
        if let Some(seed) = shown(&self.nkey).filter(|seed| !seed.is_empty())
            && !is_seed(&seed)
        {
            faults.push(BuildError::new("nkey", "is not the seed of a user's NKey").help(
                "a seed has 58 characters, A to Z and 2 to 7, and begins with SU; `nk -gen user` makes one",
            ));
        }
    }
}

/// Checks the text of a credentials file: it holds a JWT and a seed, each between two lines of dashes.
fn check_creds(text: &str, faults: &mut BuildErrors) {
    let help = "write credentials = \"${file:/run/secrets/nats.creds}\"";
    if !text.contains('\n') {
        let told = if text.ends_with(".creds") || text.starts_with('/') {
            "is the path of a file, not its text"
        } else {
            "is not the text of a credentials file"
        };
        faults.push(BuildError::new("credentials", told).help(help));
        return;
    }
    let seed = text.lines().map(str::trim).any(is_seed);
    for (present, what) in [
        (text.contains("BEGIN NATS USER JWT"), "no user's JWT"),
        (seed, "no seed of a user's NKey"),
    ] {
        if !present {
            faults.push(
                BuildError::new("credentials", format!("holds {what}")).help(format!(
                    "{help} with the file that `nsc generate creds` or your NATS service made"
                )),
            );
        }
    }
}

fn is_seed(text: &str) -> bool {
    let base32 = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7');
    text.len() == 58 && text.starts_with("SU") && text.bytes().all(base32)
}
