//! The inputs of a dry run: files, folders and patterns, and the JSON values in them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use signalbox_inputs::{Chunk, FindError, decompressed, find, read};
use signalbox_segment::ingest::{Place, Value};

use super::Trouble;
use crate::exit::{self, Failure};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// The inputs, in their order.
pub(super) struct Inputs(Vec<PathBuf>);

impl Inputs {
    /// Finds the files that are named, stand directly in a folder or match a pattern, sorted by name.
    pub(super) fn find(named: &[PathBuf]) -> Result<Inputs, Failure> {
        let mut files = Vec::new();
        for path in named {
            let shown = path.display();
            let found = find(path).map_err(|error| match error {
                FindError::Folder(_) | FindError::OnTheWay(_) => {
                    Failure::from(format!("{shown} cannot be read: {error}"))
                }
                FindError::Pattern(_) | FindError::NoMatch => {
                    Failure::Problem(exit::USAGE, format!("{shown}: {error}"))
                }
            })?;
            if found.single && path.as_os_str() != STDIN && !path.exists() {
                let problem = format!("{shown}: there is no such file");
                return Err(Failure::Problem(exit::USAGE, problem));
            }
            files.extend(found.paths);
        }
        if named.is_empty() {
            files.push(STDIN.into());
        }
        Ok(Inputs(files))
    }

    /// Passes on the values of all inputs, as many at once as can be read without waiting, with the name of their file if
    /// there are several.
    pub(super) fn each(
        &self,
        mut pass_on: impl FnMut(Option<&str>, Vec<Value>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.0.iter().try_for_each(|path| {
            let name = path.to_string_lossy();
            let name = (self.0.len() > 1).then_some(&*name);
            each_of(path, &mut |values| pass_on(name, values))
        })
    }
}

/// Passes on the values of one input.
fn each_of(path: &Path, pass_on: &mut impl FnMut(Vec<Value>) -> Result<(), Trouble>) -> Result<(), Trouble> {
    let failed = |error: &io::Error| Trouble::Input(format!("{} cannot be read: {error}", path.display()));
    let input = if path.as_os_str() == STDIN {
        decompressed(io::stdin().lock())
    } else {
        File::open(path).and_then(decompressed)
    };
    let mut result = Ok(());
    read(
        input.map_err(|error| failed(&error))?,
        Place::default(),
        |chunk| {
            result = match chunk {
                Chunk::Values { values, .. } => pass_on(values),
                Chunk::Failed(error) => Err(failed(&error)),
                Chunk::End(_) => Ok(()),
            };
            result.is_ok()
        },
    );
    result
}
