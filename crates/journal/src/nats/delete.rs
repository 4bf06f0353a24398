//! Deletes a journal from the servers.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::DeleteStreamErrorKind;
use signalbox_nats::Client;

use super::subjects::Subjects;
use crate::JournalError;

/// Deletes the streams and buckets of a journal that no router has open, with everything in them.
///
/// # Errors
/// [`JournalError`] if the servers refuse or do not answer. The same call goes on.
pub async fn delete(client: &Client, prefix: &str) -> Result<(), JournalError> {
    let names = Subjects::new(prefix);
    // The states last: they say which journal this is.
    let streams = [
        names.stream("EV"),
        format!("KV_{}", names.stream("LEASE")),
        format!("KV_{}", names.stream("NODES")),
        names.stream("ST"),
    ];
    let context = client.jetstream();
    for stream in streams {
        match context.delete_stream(&stream).await {
            Ok(_) => {}
            Err(error) => match error.kind() {
                DeleteStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
                _ => {
                    return Err(JournalError(format!(
                        "the stream {stream} cannot be deleted: {error}"
                    )));
                }
            },
        }
    }
    Ok(())
}
