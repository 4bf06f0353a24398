//! `signalbox init`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use signalbox_sandbox::Vendor;

use crate::cli::InitArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

/// The pipeline to start from, with all vendors.
const STARTER: &str = include_str!("../../../../examples/starter.toml");

/// Returns the pipeline with these vendors only; with all, if none is chosen. The sink of each is a paragraph of the file.
fn starter(chosen: &[Vendor]) -> String {
    if chosen.is_empty() {
        return STARTER.to_owned();
    }
    let (wanted, unwanted): (Vec<Vendor>, Vec<Vendor>) =
        Vendor::ALL.iter().partition(|vendor| chosen.contains(vendor));
    let is_unwanted = |paragraph: &&str| {
        let of = |vendor: &Vendor| paragraph.starts_with(&format!("[sinks.{vendor}]"));
        unwanted.iter().any(of)
    };
    let paragraphs: Vec<&str> = STARTER
        .split("\n\n")
        .filter(|paragraph| !is_unwanted(paragraph))
        .collect();
    let rules: Vec<&str> = wanted.iter().map(|vendor| vendor.name()).collect();
    let titles: Vec<&str> = wanted.iter().map(|vendor| vendor.title()).collect();
    paragraphs
        .join("\n\n")
        .replace("Pinterest, Meta and TikTok", &titles.join(" and "))
        .replace("[\"pinterest\", \"meta\", \"tiktok\"]", &format!("{rules:?}"))
}

pub(crate) fn run(args: &InitArgs) -> Result<Code, Failure> {
    let path = args.path.display();
    let mut options = OpenOptions::new();
    options.write(true);
    // Users may write keys and tokens into the file.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, signalbox_core::PRIVATE_FILE);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options
        .open(&args.path)
        .and_then(|mut file| file.write_all(starter(&args.vendor).as_bytes()))
    {
        Ok(()) => {
            print(&format!(
                "{path} written. Next:\n\
                 \x20 1. fill in what it asks for\n\
                 \x20 2. signalbox validate --config {path}\n\
                 \x20 3. signalbox run --config {path}\n"
            ));
            Ok(exit::OK)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(format!("{path} exists already; --force replaces it").into())
        }
        Err(error) => Err(format!("{path} cannot be written: {error}").into()),
    }
}
