//! Remedies by reason of a dead letter. docs/operations.md has the table.

/// A row of the table: the codes of reasons, and the likely remedy.
pub(super) struct Remedy {
    pub(super) codes: &'static [&'static str],
    pub(super) remedy: &'static str,
}

/// Remedy of a refusal in the platform's words, whose code ends in `_rejected`.
const REFUSED: &str =
    "The platform refused the event; its words say why. Repair the mapping or the source, then retry.";
/// Remedy of a reason that the table does not have.
const OTHER: &str = "Read the sentence of the reason and repair what it names, then retry. Discard the events if nobody needs them.";

/// The table.
pub(super) const REMEDIES: &[Remedy] = &[
    Remedy {
        codes: &["no_identifier"],
        remedy: "The events carry too little to match a person by. Send the e-mail address, or IP address and user agent together, \
                 with the event. A retry helps only after the mapping has changed.",
    },
    Remedy {
        codes: &["missing_field", "invalid_field", "event_name_missing"],
        remedy: "A field that the platform requires is empty or does not fit. The sentence names it: map it, or correct the source, \
                 then retry.",
    },
    Remedy {
        codes: &["unreadable_time", "in_the_future"],
        remedy: "The time of the event cannot be right. Map a field that holds the real time, or set the clock of the source, then \
                 retry.",
    },
    Remedy {
        codes: &["too_old"],
        remedy: "The platform takes events up to a certain age only. A retry cannot help; discard them, and find out why they came so \
                 late.",
    },
    Remedy {
        codes: &["mapping_failed", "mapping_gone", "mapping_too_deep"],
        remedy: "The mapping cannot work with these events, or is gone. Repair it in the pipeline file, reload, then retry.",
    },
    Remedy {
        codes: &["ldp_incomplete", "ldu_incomplete", "opt_out_incomplete"],
        remedy: "The person opted out, and the platform honours that only with state and country. Send both with the event, or set \
                 on_incomplete, then retry.",
    },
    Remedy {
        codes: &["request_refused", "bad_request", "unknown_property"],
        remedy: "The platform refused the request with this event in it. Its words name the field: repair the mapping, then retry.",
    },
    Remedy {
        codes: &[
            "request_too_large",
            "record_too_large",
            "event_too_large",
            "payload_too_large",
        ],
        remedy: "The event is larger than is allowed. Send less with it; discard what cannot be made smaller.",
    },
    Remedy {
        codes: &[
            "server_error",
            "timed_out",
            "request_timed_out",
            "rate_limited",
            "connect_failed",
            "connection_lost",
            "reply_unreadable",
            "unreadable_reply",
            "short_reply",
            "miscounted_reply",
            "redirected",
            "unexpected_status",
            "too_early",
            "unavailable",
        ],
        remedy: "The platform could not be reached for longer than retry.for. See whether it answers now, then retry. A longer \
                 retry.for bridges longer outages.",
    },
    Remedy {
        codes: &["unauthorized", "forbidden", "not_found", "proxy_unauthorized"],
        remedy: "The platform did not accept token, account or address. Correct the sink's settings, reload, then retry.",
    },
    Remedy {
        codes: &["orphaned", "input_removed"],
        remedy: "The sink or source has left the pipeline file. Put it back and retry, or discard the events.",
    },
    Remedy {
        codes: &[
            "invalid_json",
            "not_an_object",
            "not_utf8",
            "no_user_anon_id",
            "unsupported_event",
            "unknown_type",
            "bad_field",
        ],
        remedy: "A client sends bodies that are no events. Repair the client; discard these, since a retry cannot help.",
    },
    Remedy {
        codes: &[
            "segment_validation",
            "segment_payload",
            "segment_languages",
            "segment_empty_value",
            "segment_crash",
        ],
        remedy: "Segment's destination refuses such an event too. Repair the mapping, or leave out compat = \"segment\", whose own \
                 rules keep most of these events, then retry.",
    },
];

/// Returns the likely remedy for a reason.
pub(super) fn remedy(code: &str) -> &'static str {
    let row = REMEDIES.iter().find(|row| row.codes.contains(&code));
    match row {
        Some(row) => row.remedy,
        None if code.ends_with("_rejected") => REFUSED,
        None => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of docs/operations.md; `UPDATE_DOCS=1` writes it anew.
    #[test]
    fn the_documentation_has_the_table_of_remedies() {
        const HEAD: &str = "| reason | likely remedy |\n|---|---|\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
        let found = std::fs::read_to_string(path).unwrap();
        let (before, rest) = found.split_once(HEAD).unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        let mut wanted = format!("{before}{HEAD}");
        for row in REMEDIES {
            let codes: Vec<String> = row.codes.iter().map(|code| format!("`{code}`")).collect();
            wanted.push_str(&format!("| {} | {} |\n", codes.join(", "), row.remedy));
        }
        wanted.push_str(&format!(
            "| a code that ends in `_rejected` | {REFUSED} |\n| any other | {OTHER} |\n\n"
        ));
        wanted.push_str(after);
        if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        } else {
            assert!(
                found == wanted,
                "the table of remedies is out of date; run the tests once with UPDATE_DOCS=1"
            );
        }
    }

    #[test]
    fn a_code_has_one_remedy() {
        let mut codes: Vec<&str> = REMEDIES.iter().flat_map(|row| row.codes).copied().collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert_eq!(remedy("some_rejected"), REFUSED);
        assert_eq!(remedy("something_new"), OTHER);
    }
}
