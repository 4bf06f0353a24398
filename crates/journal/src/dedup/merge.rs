//! Many files of ids become one, so that a look-up has few to read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::{Path, PathBuf};

use super::file::{Entry, Facts, IdFile, write_sorted};

/// Merges files of one kind into one; memory does not grow with them. The old ones stay.
pub(super) fn merge(folder: &Path, number: u64, paths: &[PathBuf]) -> io::Result<IdFile> {
    let files = paths
        .iter()
        .map(|path| IdFile::open(path, 0))
        .collect::<io::Result<Vec<_>>>()?;
    let mut streams: Vec<_> = files.iter().map(IdFile::stream).collect();
    let mut heads: Vec<Option<Entry<'_>>> = Vec::new();
    let mut order = BinaryHeap::new();
    for (i, stream) in streams.iter_mut().enumerate() {
        let head = stream.next().transpose()?;
        order.extend(head.as_ref().map(|entry| Reverse((entry.fingerprint, i))));
        heads.push(head);
    }
    let merged = std::iter::from_fn(|| {
        let Reverse((_, i)) = order.pop()?;
        let next = streams.get_mut(i).and_then(Iterator::next).transpose();
        let next = match next {
            Ok(next) => next,
            Err(error) => return Some(Err(error)),
        };
        order.extend(next.as_ref().map(|entry| Reverse((entry.fingerprint, i))));
        heads
            .get_mut(i)
            .and_then(|head| std::mem::replace(head, next))
            .map(Ok)
    });
    let facts = Facts {
        count: files.iter().map(|file| file.count).sum(),
        to: files.iter().map(|file| file.to).max().unwrap_or(0),
        hashed: files.first().and_then(|file| file.hashed),
    };
    write_sorted(folder, number, &facts, merged)
}
