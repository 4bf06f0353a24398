//! The rule that keeps strangers from the admin address.

use std::net::SocketAddr;

use signalbox_core::{BuildError, Secret};

/// Checks the admin address and its token: other machines need a token, and a token must be one that a request can carry.
///
/// # Errors
/// The setting below `[admin]` that does not fit, and the remedy.
pub fn check_admin(listen: SocketAddr, token: Option<&Secret>) -> Result<(), BuildError> {
    match token {
        Some(token) if token.expose().trim().is_empty() => Err(BuildError::new("token", "must not be empty")),
        // A header cannot carry anything else, so no request could ever match.
        Some(token) if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) => Err(BuildError::new(
            "token",
            "may hold visible ASCII characters only, without spaces",
        )),
        Some(_) => Ok(()),
        None if listen.ip().to_canonical().is_loopback() => Ok(()),
        None => {
            let error = BuildError::new("listen", "an address that other machines can reach needs a token");
            Err(error.help("set admin.token, for instance to \"${file:/path}\", or listen on 127.0.0.1"))
        }
    }
}
