//! Tables of pipeline files. The sandbox, the folder and the ports are those of a [`World`](super::world::World).

use signalbox_sandbox::Vendor;

/// The rules of all vendors, for [`hashing`].
pub(crate) const ALL_RULES: &str = r#"["pinterest", "meta", "tiktok"]"#;

/// The admin address, and a shutdown that waits for no destination.
pub(crate) const ADMIN: &str = "[admin]\nlisten = \"${ADMIN}\"\n[shutdown]\ndeadline = \"1s\"\n";

/// Makes the source `shop` with further settings.
pub(crate) fn source(settings: &str) -> String {
    format!(
        r#"
[sources.shop]
type = "segment_http"
listen = "${{LISTEN}}"
write_keys = ["${{WRITE_KEY}}"]
{settings}
"#
    )
}

/// Makes the source `shop`, which hashes personal data by these rules: the value of the setting.
pub(crate) fn hashing(rules: &str) -> String {
    let transform = format!("[transforms.hash]\ntype = \"hash_pii\"\nrules = {rules}\n");
    source("through = [\"hash\"]") + &transform
}

/// Makes a sink of `shop` that waits for no further events.
pub(crate) fn sink(name: &str, settings: &str) -> String {
    format!("\n[sinks.{name}]\ninputs = [\"shop\"]\nbatch.max_wait = \"10ms\"\n{settings}\n")
}

/// Makes the sink `archive`, which writes whole events to a file.
pub(crate) fn archive() -> String {
    sink(
        "archive",
        "type = \"file\"\npath = \"${FOLDER}/archive.jsonl\"\nsync = false",
    )
}

/// Makes the sink of a vendor's stand-in, which has the vendor's name.
pub(crate) fn vendor_sink(vendor: Vendor) -> String {
    sink(vendor.name(), &settings(vendor, base(vendor)))
}

/// Makes the settings of a vendor's sink that sends to an address.
pub(crate) fn settings(vendor: Vendor, base: &str) -> String {
    let account = match vendor {
        Vendor::Pinterest => {
            "type = \"pinterest_conversions\"\nad_account_id = \"549755885175\"\nconversion_token = \"${TOKEN}\""
        }
        Vendor::Meta => {
            "type = \"meta_conversions\"\npixel_id = \"1203948576120394\"\naccess_token = \"${TOKEN}\""
        }
        Vendor::TikTok => {
            "type = \"tiktok_events\"\npixel_code = \"C4WILDROSE0HOME00001\"\naccess_token = \"${TOKEN}\""
        }
    };
    format!("{account}\nbase_url = \"{base}\"\n")
}

/// The address of a vendor's stand-in.
pub(crate) fn base(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Pinterest => "${PINTEREST}",
        Vendor::Meta => "${META}",
        Vendor::TikTok => "${TIKTOK}",
    }
}
