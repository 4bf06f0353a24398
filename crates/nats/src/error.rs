//! Why no connection could be made, in words for an operator and without any secret.

use std::error::Error;
use std::fmt;
use std::io;

use async_nats::ConnectErrorKind;
use rustls::{AlertDescription, CertificateError};
use signalbox_core::{BuildErrors, mask};

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Settings that do not fit; never empty.
    #[error("{}", first(.0))]
    Settings(BuildErrors),
    /// No server of the list can be used: each with its fault.
    #[error("no NATS server can be used: {}", each(.0))]
    NoServer(Vec<(String, Fault)>),
}

impl ConnectError {
    /// Returns true if only the operator can mend it: settings, credentials, certificates. Everything else may pass by itself.
    pub fn needs_operator(&self) -> bool {
        match self {
            ConnectError::Settings(_) => true,
            ConnectError::NoServer(tried) => tried
                .iter()
                .any(|(_, fault)| matches!(fault, Fault::Credentials | Fault::Tls(_) | Fault::File(_))),
        }
    }
}

fn first(faults: &BuildErrors) -> String {
    let one = |fault: &signalbox_core::BuildError| match &fault.help {
        Some(help) => format!("{fault} ({help})"),
        None => fault.to_string(),
    };
    faults.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn each(tried: &[(String, Fault)]) -> String {
    let one = |(server, fault): &(String, Fault)| format!("{server} {fault}");
    tried.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Why one server cannot be used. Its words follow the server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No address for its name.
    Unknown,
    /// No connection; with the system's reason.
    Unreachable(String),
    /// No answer within 5 seconds.
    TimedOut,
    /// Wrong credentials, or none where the server wants some.
    Credentials,
    /// TLS failed, with the remedy.
    Tls(String),
    /// A file of the settings cannot be used.
    File(String),
    /// An answer, but not that of a NATS server.
    Foreign,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unknown => f.write_str("has a name without an address (DNS)"),
            Fault::Unreachable(reason) => write!(f, "cannot be reached: {reason}"),
            Fault::TimedOut => f.write_str("gave no answer within 5 s"),
            Fault::Credentials => f.write_str(
                "refuses the credentials; compare `credentials`, `user` and `password`, `token` or `nkey` with the server's accounts",
            ),
            Fault::Tls(reason) => write!(f, "{reason}"),
            Fault::File(reason) => write!(f, "was not asked: {reason}"),
            Fault::Foreign => f.write_str("answers, but not as a NATS server does; check host and port"),
        }
    }
}

impl Fault {
    /// Words the error of a connection to a server.
    pub(crate) fn of(error: &async_nats::ConnectError) -> Fault {
        let mut source: Option<&(dyn Error + 'static)> = Some(error);
        let mut system = None;
        while let Some(cause) = source {
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Fault::Tls(of_tls(tls));
            }
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                if let Some(tls) = io
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                {
                    return Fault::Tls(of_tls(tls));
                }
                system = Some(io);
            }
            source = cause.source();
        }
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => Fault::Credentials,
            ConnectErrorKind::Dns => Fault::Unknown,
            ConnectErrorKind::TimedOut => Fault::TimedOut,
            ConnectErrorKind::Tls => Fault::File(match system {
                Some(error) => format!("a file of `tls` cannot be used: {error}"),
                None => "a file of `tls` cannot be used".to_owned(),
            }),
            _ => match system {
                Some(error) if error.kind() == io::ErrorKind::InvalidInput => Fault::Foreign,
                Some(error) => Fault::Unreachable(mask(&error.to_string()).into_owned()),
                None => Fault::Foreign,
            },
        }
    }
}

fn of_tls(error: &rustls::Error) -> String {
    let told = match error {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => {
            "has a certificate of an authority that is not trusted; set `tls.ca` to the authority's PEM file"
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "has a certificate for another name; write the name that stands in the certificate in `servers`",
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "has an expired certificate; renew it",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "has a certificate that is not valid yet; compare the clocks",
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "asks for a client's certificate; set `tls.certificate` and `tls.key`"
        }
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown,
        ) => {
            "refuses the router's certificate; compare `tls.certificate` with the authority that the server trusts"
        }
        rustls::Error::InvalidMessage(_) => {
            "does not speak TLS; write nats:// and leave `tls` out, or set TLS up there"
        }
        other => return format!("failed in TLS: {other}"),
    };
    told.to_owned()
}
