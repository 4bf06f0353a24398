//! A record as searches return it.

use rusqlite::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::RowFile;
use crate::place::Place;
use crate::schema;
use crate::text::{self, AttemptEntry, WarningEntry};

/// A record as searches return it. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its place in the history.
    pub place: Place,
    /// The moment of the end.
    pub ended_at: i64,
    /// Receipt of the event.
    pub received_at: i64,
    /// The event's own time.
    pub happened_at: i64,
    /// The source.
    pub source: String,
    /// Name and version of the library that sent the event.
    pub library: Option<String>,
    /// Place of the event in the journal.
    pub position: Option<u64>,
    /// The sink.
    pub sink: String,
    /// The mapping; `None` if the event made no record.
    pub mapping: Option<String>,
    /// The event's own name: that of a track event, else its type.
    pub event: String,
    /// The name of the conversion at the destination.
    pub event_name: Option<String>,
    /// Where the conversion happened, in the destination's words.
    pub action_source: Option<String>,
    /// Name of the outcome: `delivered`, `duplicate`, `filtered`, `rejected` or `expired`.
    pub outcome: String,
    /// Code of the reason, unless it was delivered.
    pub reason: Option<String>,
    /// The reason as a sentence.
    pub message: Option<String>,
    /// The attempts, the first one first.
    pub attempts: Vec<AttemptEntry>,
    /// The id that the destination gave the last request.
    pub request_id: Option<String>,
    /// Warnings about values left out or in doubt.
    pub warnings: Vec<WarningEntry>,
    /// Names of the match keys that it carried.
    pub match_keys: Vec<String>,
    /// Names of the other parameters that it carried, such as `order_id`. `None` if the row does not tell: destinations that have no
    /// names for conversions have no such parameters, and files below schema 4 do not keep them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<String>>,
    /// Worth of the conversion, in millionths of the currency.
    pub value_millionths: Option<i64>,
    /// ISO 4217 code of the currency.
    pub currency: Option<String>,
    /// Number of the batch among those of the sink's process.
    pub batch: Option<u64>,
    /// Records in the batch.
    pub batch_records: Option<u32>,
    /// Length of the encoded record in bytes.
    pub bytes: u32,
    /// Digest of the encoded record, 16 hexadecimal digits: the same bytes, made again, have the same one. `None` if the event
    /// made no record, and in files of schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// True if the event was so old at delivery that the destination values it less.
    pub late: bool,
    /// `messageId`, or `id:…` if it looks personal; `None` after an erasure.
    pub message_id: Option<String>,
    /// The id by which the destination recognises duplicates.
    pub event_id: Option<String>,
    /// The order's id.
    pub order_id: Option<String>,
}

impl Entry {
    /// The columns that [`Entry::read`] reads, in its order. Those follow that older files lack.
    const COLUMNS: &str = "id, ended_at, received_at, happened_at, source, library, position, sink, mapping, event, \
        event_name, action_source, outcome, reason, message, attempts, request_id, warnings, match_keys, value, currency, \
        batch, batch_records, bytes, late, message_id, event_id, order_id";

    /// Returns the columns that [`Entry::read`] reads from a file of a schema.
    pub(crate) fn columns(schema: i32) -> String {
        let digest = if schema < 2 { "NULL" } else { "digest" };
        let parameters = if schema < schema::PARAMETERS {
            "NULL"
        } else {
            "parameters"
        };
        format!("{}, {digest}, {parameters}", Self::COLUMNS)
    }

    pub(crate) fn read(row: &Row<'_>, file: RowFile) -> rusqlite::Result<Entry> {
        let attempts: Option<String> = row.get(15)?;
        let warnings: Option<String> = row.get(17)?;
        let match_keys: Option<String> = row.get(18)?;
        let parameters: Option<String> = row.get(29)?;
        Ok(Entry {
            place: Place {
                file,
                row: row.get(0)?,
                router: None,
            },
            ended_at: row.get(1)?,
            received_at: row.get(2)?,
            happened_at: row.get(3)?,
            source: row.get(4)?,
            library: row.get(5)?,
            position: row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
            sink: row.get(7)?,
            mapping: row.get(8)?,
            event: row.get(9)?,
            event_name: row.get(10)?,
            action_source: row.get(11)?,
            outcome: row.get(12)?,
            reason: row.get(13)?,
            message: row.get(14)?,
            attempts: text::read::<AttemptEntry>(attempts.as_deref()),
            request_id: row.get(16)?,
            warnings: text::read::<WarningEntry>(warnings.as_deref()),
            match_keys: text::read::<String>(match_keys.as_deref()),
            parameters: parameters.map(|list| text::read::<String>(Some(&list))),
            value_millionths: row.get(19)?,
            currency: row.get(20)?,
            batch: row.get::<_, Option<i64>>(21)?.map(i64::cast_unsigned),
            batch_records: row.get(22)?,
            bytes: row.get(23)?,
            digest: row
                .get::<_, Option<i64>>(28)?
                .map(|digest| format!("{:016x}", digest.cast_unsigned())),
            late: row.get(24)?,
            message_id: row.get(25)?,
            event_id: row.get(26)?,
            order_id: row.get(27)?,
        })
    }
}
