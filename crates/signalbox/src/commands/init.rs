//! `signalbox init`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use crate::cli::InitArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

/// The pipeline to start from; the tests of this crate validate it.
pub(crate) const STARTER: &str = include_str!("../../../../examples/pinterest.toml");

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
        .and_then(|mut file| file.write_all(STARTER.as_bytes()))
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
