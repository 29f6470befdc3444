//! Checks a pack: its files against its manifest, and all of it against the book, made again at the size that it names.

use super::file::Sink;
use super::{FORMAT, Manifest, VERSION, readme, write};
use crate::proof::merkle::{Hash, sha256};
use crate::service::Book;
use crate::store::error::StoreError;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The most bytes of all files of a pack together that are read; a ZIP can claim any size.
const MAX_BYTES: u64 = 16 << 30;
/// The most files of a pack.
const MAX_FILES: usize = 10_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Files of the manifest.
    pub files: usize,
    /// Rows of them together.
    pub rows: u64,
    /// Size of the log that the pack names.
    pub log_size: i64,
    /// Root of the log that the pack names.
    pub log_root: String,
    /// What differs.
    pub findings: Vec<String>,
}

/// Hashes of the files of a pack by name, with the two that are read.
#[derive(Default)]
struct Stored {
    hashes: BTreeMap<String, (Hash, u64)>,
    manifest: Vec<u8>,
}

impl Stored {
    fn add(&mut self, name: String, mut from: impl Read) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        from.by_ref().take(MAX_BYTES).read_to_end(&mut bytes)?;
        let rows = rows_of(&bytes);
        self.hashes.insert(name.clone(), (sha256(&bytes), rows));
        if name == "manifest.json" {
            self.manifest = bytes;
        }
        Ok(())
    }
}

/// Lines outside of quotes, less the heading.
fn rows_of(bytes: &[u8]) -> u64 {
    let (mut lines, mut quoted) = (0_u64, false);
    for byte in bytes {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => lines = lines.saturating_add(1),
            _ => {}
        }
    }
    lines.saturating_sub(1)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Surroundings(format!("the pack {} cannot be read: {error}", path.display()))
}

fn read(path: &Path) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    let failed = |error: &dyn std::fmt::Display| unreadable(path, error);
    if path.is_dir() {
        let mut folders = vec![(path.to_owned(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|e| failed(&e))? {
                let entry = entry.map_err(|e| failed(&e))?;
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    folders.push((entry.path(), format!("{name}/")));
                } else {
                    stored.add(name, std::fs::File::open(entry.path()).map_err(|e| failed(&e))?).map_err(|e| failed(&e))?;
                }
            }
        }
        return Ok(stored);
    }
    let file = std::fs::File::open(path).map_err(|e| failed(&e))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|e| failed(&e))?;
    if zip.len() > MAX_FILES {
        return Err(failed(&"it has too many files to be a pack"));
    }
    for at in 0..zip.len() {
        let file = zip.by_index(at).map_err(|e| failed(&e))?;
        let name = file.name().map_err(|e| failed(&e))?.into_owned();
        stored.add(name, file).map_err(|e| failed(&e))?;
    }
    Ok(stored)
}

/// Takes only the hashes of what is made again.
#[derive(Default)]
struct Again(BTreeMap<String, Hash>);

impl Sink for Again {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.insert(name.to_owned(), sha256(bytes));
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Checks a pack against a book.
///
/// # Errors
/// When the pack or the book cannot be read; whatever can be read and is wrong is a finding.
pub fn check(book: &Book, path: &Path) -> Result<Found, StoreError> {
    let stored = read(path)?;
    let manifest: Manifest =
        serde_json::from_slice(&stored.manifest).map_err(|error| unreadable(path, &format!("manifest.json: {error}")))?;
    let mut found = Found {
        files: manifest.files.len(),
        rows: manifest.files.iter().fold(0, |sum, file| sum.saturating_add(file.rows)),
        log_size: manifest.log.size,
        log_root: manifest.log.root.clone(),
        findings: Vec::new(),
    };
    if manifest.format != FORMAT || manifest.version != VERSION {
        found.findings.push(format!("{} version {} is not a form that is known", manifest.format, manifest.version));
        return Ok(found);
    }
    files(&stored, &manifest, &mut found.findings);
    match again(book, &manifest) {
        Ok((made, hashes)) => compare(&stored, &manifest, &made, &hashes, &mut found.findings),
        Err(StoreError::Rejected(refused)) => found.findings.push(format!("it cannot be made again: {refused}")),
        Err(error) => return Err(error),
    }
    Ok(found)
}

fn again(book: &Book, manifest: &Manifest) -> Result<(Manifest, BTreeMap<String, Hash>), StoreError> {
    let options = manifest.options()?;
    let mut sink = Again::default();
    let made = book.read(|conn| write(conn, &options, &mut sink))?;
    Ok((made, sink.0))
}

/// The files against the manifest.
fn files(stored: &Stored, manifest: &Manifest, findings: &mut Vec<String>) {
    for line in &manifest.files {
        match stored.hashes.get(&line.name) {
            None => findings.push(format!("{} is missing", line.name)),
            Some((hash, _)) if hex::encode(hash) != line.sha256 => {
                findings.push(format!("{} does not have the hash that the manifest says", line.name));
            }
            Some((_, rows)) if *rows != line.rows => {
                findings.push(format!("{} has {rows} rows, the manifest says {}", line.name, line.rows));
            }
            Some(_) => {}
        }
    }
    let known = |name: &String| {
        ["manifest.json", readme::NAME].contains(&name.as_str()) || manifest.files.iter().any(|line| line.name == *name)
    };
    findings.extend(stored.hashes.keys().filter(|name| !known(name)).map(|name| format!("{name} is not in the manifest")));
}

/// The pack against what the book makes now.
fn compare(stored: &Stored, manifest: &Manifest, made: &Manifest, hashes: &BTreeMap<String, Hash>, findings: &mut Vec<String>) {
    if made.log.root != manifest.log.root {
        findings.push(format!(
            "the log of this book has the root {} at that size, the pack says {}",
            made.log.root, manifest.log.root
        ));
    }
    for (name, hash) in hashes {
        if stored.hashes.get(name).is_none_or(|(stored, _)| stored != hash) {
            findings.push(format!("{name} is not what this book makes"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rows_of;

    #[test]
    fn rows_are_counted_outside_of_quotes() {
        assert_eq!(rows_of(b"a,b\n1,2\n3,\"x\ny\"\n"), 2);
        assert_eq!((rows_of(b"a\n"), rows_of(b"")), (0, 0));
    }
}
