//! Where the files of a pack go: a ZIP or a folder; and CSV as they have it.

use crate::report::render::csv::push_text;
use crate::store::error::StoreError;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A file of rows under a heading. Texts that a spreadsheet would run as a formula get an apostrophe in front.
#[derive(Debug, Default)]
pub(super) struct Csv {
    bytes: Vec<u8>,
    rows: u64,
}

impl Csv {
    pub(super) fn new(heading: &[&str]) -> Self {
        let mut csv = Self::default();
        csv.line(heading.iter().copied());
        csv
    }

    pub(super) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.line(cells);
        self.rows = self.rows.saturating_add(1);
    }

    fn line<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        for (at, cell) in cells.into_iter().enumerate() {
            if at > 0 {
                self.bytes.push(b',');
            }
            // An amount below zero is a number, not a formula.
            let is_number =
                cell.starts_with('-') && cell.bytes().skip(1).all(|b| b.is_ascii_digit() || b == b'.') && cell.len() > 1;
            if is_number { self.bytes.extend_from_slice(cell.as_bytes()) } else { push_text(&mut self.bytes, cell) }
        }
        self.bytes.push(b'\n');
    }

    pub(super) fn into_parts(self) -> (u64, Vec<u8>) {
        (self.rows, self.bytes)
    }
}

/// Takes files one after the other.
pub(super) trait Sink {
    /// Writes a file.
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;
    /// Makes all of it durable.
    fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// Where a pack is written to.
#[derive(Debug, Clone)]
pub enum Target {
    /// A ZIP file.
    Zip(PathBuf),
    /// A folder that is not there yet, or is empty.
    Folder(PathBuf),
}

impl Target {
    /// A file if its name ends in `.zip`, else a folder.
    pub fn new(path: &Path) -> Self {
        let is_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        if is_zip { Self::Zip(path.to_owned()) } else { Self::Folder(path.to_owned()) }
    }

    pub(super) fn open(self) -> Result<Box<dyn Sink>, StoreError> {
        match self {
            Self::Zip(path) => {
                // A pack is evidence: what is there is not written over.
                let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path);
                Ok(Box::new(Zip::new(file.map_err(|error| failed(&path, &error))?)))
            }
            Self::Folder(path) => {
                std::fs::create_dir_all(&path).map_err(|error| failed(&path, &error))?;
                if std::fs::read_dir(&path).map_err(|error| failed(&path, &error))?.next().is_some() {
                    return Err(failed(&path, &"the folder is not empty"));
                }
                Ok(Box::new(Folder(path)))
            }
        }
    }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Surroundings(format!("the pack cannot be written to {}: {error}", path.display()))
}

fn zip_failed(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Surroundings(format!("the pack cannot be written: {error}"))
}

/// A ZIP with the same bytes for the same files: no times, no rights but reading.
pub(super) struct Zip<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Zip<W> {
    pub(super) fn new(out: W) -> Self {
        Self(ZipWriter::new(out))
    }

    pub(super) fn into_inner(self) -> Result<W, StoreError> {
        self.0.finish().map_err(|error| zip_failed(&error))
    }
}

impl<W: Write + Seek> Sink for Zip<W> {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(u32::try_from(bytes.len()).is_err());
        self.0.start_file(name, options).map_err(|error| zip_failed(&error))?;
        self.0.write_all(bytes).map_err(|error| zip_failed(&error))
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        let mut out = self.into_inner()?;
        out.flush().map_err(|error| zip_failed(&error))
    }
}

struct Folder(PathBuf);

impl Sink for Folder {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
        }
        std::fs::write(&path, bytes).map_err(|error| failed(&path, &error))
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_zero_stay_numbers_and_formulas_become_text() {
        let mut csv = Csv::new(&["a", "b"]);
        csv.row(["-1.5", "-1+cmd"]);
        csv.row(["=1", "a,\"b\""]);
        let (rows, bytes) = csv.into_parts();
        assert_eq!((rows, String::from_utf8(bytes).unwrap().as_str()), (2, "a,b\n-1.5,'-1+cmd\n'=1,\"a,\"\"b\"\"\"\n"));
    }
}
