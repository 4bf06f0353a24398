//! A file of ids: written once, then only read.
//!
//! A header; blocks of 4 KiB with fingerprints in order and the places of their ids; the ids; the first fingerprint
//! of each block, which is held in memory, so that a look-up reads one block.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use twox_hash::XxHash3_64;

use super::current::Current;
use super::id::{Form, LONGEST};
use crate::Position;
use crate::fs::{paths, private};

const MAGIC: &[u8; 7] = b"sbids\0\0";
/// The version with sources and ids …
const PLAIN: u8 = 1;
/// … and the one with keyed hashes of both, and the name of their key in the header.
const HASHED: u8 = 2;
const HEADER: usize = 80;
const BLOCK: usize = 4096;
const ENTRY: usize = 16;
/// Entries of a block; behind them their number and a checksum.
const PER_BLOCK: usize = (BLOCK - 16) / ENTRY;
/// Moment and lengths before an id, and a checksum behind it.
const RECORD: usize = 16;

/// A file of ids.
pub(super) struct IdFile {
    pub(super) path: PathBuf,
    pub(super) number: u64,
    file: File,
    /// Its size in bytes.
    pub(super) size: u64,
    pub(super) count: u64,
    /// Ids of events before this position are here or in older files.
    pub(super) to: Position,
    /// When its first and its last id were seen, Unix milliseconds.
    pub(super) earliest: i64,
    pub(super) latest: i64,
    fences: Vec<u64>,
    /// The public name of the key that hashed its ids; `None` if they are plain.
    pub(super) hashed: Option<u64>,
    /// True if its fingerprints are in memory.
    pub(super) loaded: bool,
}

/// One id on its way to or from a file.
pub(super) struct Entry<'a> {
    pub(super) fingerprint: u64,
    pub(super) at: i64,
    pub(super) source: Cow<'a, [u8]>,
    pub(super) id: Cow<'a, [u8]>,
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.to_owned())
}

fn name(number: u64) -> String {
    format!("ids-{number:010}.bin")
}

/// Returns the version of a file of ids whose header is right, if this program does not read that version. Every later
/// version keeps the length of the header and the place of its checksum.
pub(crate) fn newer(path: &Path, name: &str) -> Option<u8> {
    let _ = number_of(name)?;
    let mut header = [0; HEADER];
    File::open(path).ok()?.read_exact_at(&mut header, 0).ok()?;
    let (body, checksum) = header.split_at(HEADER - 8);
    let found = *body.strip_prefix(MAGIC)?.first()?;
    (!matches!(found, PLAIN | HASHED) && XxHash3_64::oneshot(body) == u64_at(checksum, 0)).then_some(found)
}

/// Returns the number in the name of a file of ids.
fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("ids-")?.strip_suffix(".bin")?.parse().ok()
}

/// Finds the files of a folder, oldest first. Damaged ones are logged and left out.
pub(super) fn find(folder: &Path) -> Vec<IdFile> {
    let mut files = Vec::new();
    for path in paths(folder).into_iter().flatten() {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let Some(number) = number_of(name) else { continue };
        match IdFile::open(&path, number) {
            Ok(file) => files.push(file),
            Err(error) => {
                let _ = crate::fs::set_aside(&path);
                tracing::error!(file = %path.display(), "file of ids unreadable, duplicates may pass: {error}");
            }
        }
    }
    files.sort_by_key(|file| (file.to, file.number));
    files
}

/// Writes a part, sorted.
pub(super) fn write(
    folder: &Path,
    number: u64,
    part: &Current,
    to: Position,
    hashed: Option<u64>,
) -> io::Result<IdFile> {
    let mut order: Vec<_> = part.entries().iter().collect();
    order.sort_unstable_by_key(|entry| entry.fingerprint);
    let entries = order.into_iter().map(|entry| {
        let (source, id) = part.text(entry);
        Ok(Entry {
            fingerprint: entry.fingerprint,
            at: entry.at,
            source: source.into(),
            id: id.into(),
        })
    });
    let facts = Facts {
        count: part.len() as u64,
        to,
        hashed,
    };
    write_sorted(folder, number, &facts, entries)
}

/// The facts about a file that is written.
pub(super) struct Facts {
    pub(super) count: u64,
    pub(super) to: Position,
    pub(super) hashed: Option<u64>,
}

/// Writes exactly `count` ids that come in the order of their fingerprints.
pub(super) fn write_sorted<'a>(
    folder: &Path,
    number: u64,
    facts: &Facts,
    entries: impl Iterator<Item = io::Result<Entry<'a>>>,
) -> io::Result<IdFile> {
    let path = folder.join(name(number));
    let draft = path.with_extension("draft");
    let written = write_draft(&draft, facts, entries).and_then(|()| {
        fs::rename(&draft, &path)?;
        crate::fs::sync_folder(folder)
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    IdFile::open(&path, number)
}

fn write_draft<'a>(
    draft: &Path,
    &Facts { count, to, hashed }: &Facts,
    entries: impl Iterator<Item = io::Result<Entry<'a>>>,
) -> io::Result<()> {
    let blocks = count.div_ceil(PER_BLOCK as u64);
    let mut offset = HEADER as u64 + blocks * BLOCK as u64;
    // Two places are written at once: blocks through the one handle, ids through the other.
    let mut head = BufWriter::new(private().create(true).truncate(true).open(draft)?);
    let mut tail = BufWriter::new(File::options().write(true).open(draft)?);
    head.seek(SeekFrom::Start(HEADER as u64))?;
    tail.seek(SeekFrom::Start(offset))?;
    let (mut fences, mut block, mut text) = (Vec::new(), Vec::with_capacity(BLOCK), Vec::new());
    let (mut earliest, mut latest, mut written) = (i64::MAX, i64::MIN, 0u64);
    for entry in entries {
        let entry = entry?;
        if block.is_empty() {
            fences.push(entry.fingerprint);
        }
        block.extend_from_slice(&entry.fingerprint.to_le_bytes());
        block.extend_from_slice(&offset.to_le_bytes());
        if block.len() == PER_BLOCK * ENTRY {
            write_block(&mut head, &mut block)?;
        }
        record(&entry, &mut text);
        tail.write_all(&text)?;
        offset += text.len() as u64;
        (earliest, latest) = (earliest.min(entry.at), latest.max(entry.at));
        written += 1;
    }
    if !block.is_empty() {
        write_block(&mut head, &mut block)?;
    }
    if written != count {
        return Err(invalid("ids are missing"));
    }
    let fences: Vec<u8> = fences.into_iter().flat_map(u64::to_le_bytes).collect();
    tail.write_all(&fences)?;
    tail.flush()?;
    let mut header = MAGIC.to_vec();
    header.push(if hashed.is_some() { HASHED } else { PLAIN });
    for number in [
        count,
        to,
        earliest as u64,
        latest as u64,
        offset,
        XxHash3_64::oneshot(&fences),
        hashed.unwrap_or(0),
        0,
    ] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    header.truncate(HEADER - 8);
    header.extend_from_slice(&XxHash3_64::oneshot(&header).to_le_bytes());
    head.seek(SeekFrom::Start(0))?;
    head.write_all(&header)?;
    head.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

fn write_block(out: &mut impl Write, block: &mut Vec<u8>) -> io::Result<()> {
    let count = (block.len() / ENTRY) as u64;
    block.resize(PER_BLOCK * ENTRY, 0);
    block.extend_from_slice(&count.to_le_bytes());
    block.extend_from_slice(&XxHash3_64::oneshot(block).to_le_bytes());
    out.write_all(block)?;
    block.clear();
    Ok(())
}

/// Encodes an id.
fn record(entry: &Entry<'_>, record: &mut Vec<u8>) {
    record.clear();
    record.extend_from_slice(&entry.at.to_le_bytes());
    record.extend_from_slice(&(entry.source.len() as u32).to_le_bytes());
    record.extend_from_slice(&(entry.id.len() as u32).to_le_bytes());
    record.extend_from_slice(&entry.source);
    record.extend_from_slice(&entry.id);
    let checksum = XxHash3_64::oneshot(record);
    record.extend_from_slice(&checksum.to_le_bytes());
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |number| u64::from_le_bytes(*number))
}

/// The entries of a block.
fn entries(block: &[u8]) -> Option<impl Iterator<Item = (u64, u64)>> {
    let (body, checksum) = block.split_last_chunk::<8>()?;
    if XxHash3_64::oneshot(body) != u64::from_le_bytes(*checksum) {
        return None;
    }
    let count = u64_at(body, PER_BLOCK * ENTRY).min(PER_BLOCK as u64) as usize;
    Some(
        body.chunks_exact(ENTRY)
            .take(count)
            .map(|entry| (u64_at(entry, 0), u64_at(entry, 8))),
    )
}

/// Reads the record at the start of `input`.
fn read_record(input: &mut impl Read) -> io::Result<Entry<'static>> {
    let mut head = [0; RECORD];
    input.read_exact(&mut head)?;
    let lengths = u64_at(&head, 8);
    let (source, id) = ((lengths & 0xFFFF_FFFF) as usize, (lengths >> 32) as usize);
    if source + id > 2 * LONGEST {
        return Err(invalid("an id is too long"));
    }
    let mut bytes = head.to_vec();
    bytes.resize(RECORD + source + id + 8, 0);
    input.read_exact(bytes.get_mut(RECORD..).unwrap_or_default())?;
    let (body, checksum) = bytes
        .split_last_chunk::<8>()
        .ok_or_else(|| invalid("an id is cut short"))?;
    if XxHash3_64::oneshot(body) != u64::from_le_bytes(*checksum) {
        return Err(invalid("an id's checksum is wrong"));
    }
    let text = body.get(RECORD..).unwrap_or_default();
    let (source, id) = text.split_at_checked(source).unwrap_or_default();
    Ok(Entry {
        fingerprint: 0,
        at: u64_at(&head, 0) as i64,
        source: source.to_vec().into(),
        id: id.to_vec().into(),
    })
}

/// Reads on from a place without moving others.
struct At<'a>(&'a File, u64);

impl Read for At<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read_at(buf, self.1)?;
        self.1 += n as u64;
        Ok(n)
    }
}

impl IdFile {
    pub(super) fn open(path: &Path, number: u64) -> io::Result<IdFile> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0)?;
        let (body, checksum) = header.split_at(HEADER - 8);
        let version = body.strip_prefix(MAGIC).and_then(|rest| rest.first());
        let known = version.is_some_and(|version| matches!(*version, PLAIN | HASHED));
        if !known || XxHash3_64::oneshot(body) != u64_at(checksum, 0) {
            return Err(invalid("its header is damaged or of an unknown format version"));
        }
        let (count, fences_at) = (u64_at(body, 8), u64_at(body, 40));
        let blocks = count.div_ceil(PER_BLOCK as u64);
        if Some(size)
            != blocks
                .checked_mul(8)
                .and_then(|bytes| bytes.checked_add(fences_at))
        {
            return Err(invalid("its size is wrong"));
        }
        let mut fences = vec![0; usize::try_from(size - fences_at).map_err(|_| invalid("it is too large"))?];
        file.read_exact_at(&mut fences, fences_at)?;
        if XxHash3_64::oneshot(&fences) != u64_at(body, 48) {
            return Err(invalid("its index is damaged"));
        }
        Ok(IdFile {
            path: path.to_owned(),
            number,
            file,
            size,
            count,
            to: u64_at(body, 16),
            earliest: u64_at(body, 24) as i64,
            latest: u64_at(body, 32) as i64,
            hashed: (version == Some(&HASHED)).then(|| u64_at(body, 56)),
            fences: fences.chunks_exact(8).map(|fence| u64_at(fence, 0)).collect(),
            loaded: false,
        })
    }

    /// When an id was last seen, as far as this file knows.
    pub(super) fn find(&self, id: Form<'_>) -> Option<i64> {
        self.search(id).unwrap_or_else(|error| {
            tracing::error!(file = %self.path.display(), "file of ids unreadable, duplicates may pass: {error}");
            None
        })
    }

    fn search(&self, id: Form<'_>) -> io::Result<Option<i64>> {
        // Equal fingerprints may reach over several blocks.
        let first = self
            .fences
            .partition_point(|fence| *fence < id.fingerprint)
            .saturating_sub(1);
        let last = self.fences.partition_point(|fence| *fence <= id.fingerprint);
        let mut block = [0; BLOCK];
        let mut latest = None;
        for n in first..last {
            self.file.read_exact_at(&mut block, (HEADER + n * BLOCK) as u64)?;
            let entries = entries(&block).ok_or_else(|| invalid("a block's checksum is wrong"))?;
            for (_, offset) in entries.filter(|(fingerprint, _)| *fingerprint == id.fingerprint) {
                let entry = read_record(&mut At(&self.file, offset))?;
                if *entry.source == *id.source && *entry.id == *id.id {
                    latest = latest.max(Some(entry.at));
                }
            }
        }
        Ok(latest)
    }

    /// Shows all fingerprints; false if a block is damaged.
    pub(super) fn each_fingerprint(&self, mut visitor: impl FnMut(u64)) -> bool {
        let mut input = io::BufReader::with_capacity(64 * BLOCK, At(&self.file, HEADER as u64));
        let mut block = [0; BLOCK];
        for _ in 0..self.fences.len() {
            let Some(entries) = input.read_exact(&mut block).ok().and_then(|()| entries(&block)) else {
                tracing::error!(file = %self.path.display(), "file of ids damaged, duplicates may pass");
                return false;
            };
            entries.for_each(|(fingerprint, _)| visitor(fingerprint));
        }
        true
    }

    /// All ids in the order of their fingerprints, read from front to back.
    pub(super) fn stream(&self) -> impl Iterator<Item = io::Result<Entry<'static>>> {
        let texts = HEADER as u64 + self.fences.len() as u64 * BLOCK as u64;
        let mut head = io::BufReader::with_capacity(16 * BLOCK, At(&self.file, HEADER as u64));
        let mut tail = io::BufReader::with_capacity(64 * BLOCK, At(&self.file, texts));
        let (mut fingerprints, mut left) = (Vec::new().into_iter(), self.count);
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let mut next = || {
                if fingerprints.len() == 0 {
                    let mut block = [0; BLOCK];
                    head.read_exact(&mut block)?;
                    let entries = entries(&block).ok_or_else(|| invalid("a block's checksum is wrong"))?;
                    fingerprints = entries
                        .map(|(fingerprint, _)| fingerprint)
                        .collect::<Vec<u64>>()
                        .into_iter();
                }
                let fingerprint = fingerprints.next().ok_or_else(|| invalid("a block is empty"))?;
                Ok(Entry {
                    fingerprint,
                    ..read_record(&mut tail)?
                })
            };
            Some(next())
        })
    }

    /// Deletes it if all its ids were seen at or before a moment; true if so.
    pub(super) fn forget_if_before(&self, since: i64) -> bool {
        let past = self.latest <= since;
        if past {
            self.delete();
        }
        past
    }

    pub(super) fn delete(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), "cannot be deleted: {error}");
        }
    }
}
