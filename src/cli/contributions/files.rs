//! What is to be submitted: files, folders of files and standard input, told apart by their names.

use super::is_stdin;
use crate::cli::ctx::CliError;
use crate::domain::contribution::manifest::Manifest;
use crate::domain::outcome::Rejection;
use crate::proof::merkle::sha256;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Events of one request; a longer file is sent in several.
const EVENTS_A_REQUEST: usize = 10_000;

/// Something to submit.
pub enum Item {
    /// A file of rows and its manifest.
    Report {
        /// The rows.
        rows: PathBuf,
        /// The manifest's bytes.
        manifest: Vec<u8>,
        /// The manifest read, to sort by; the book says what is wrong with it.
        read: Result<Box<Manifest>, Rejection>,
    },
    /// A file of single events.
    Events(PathBuf),
}

impl Item {
    /// The file, as outcomes name it.
    pub fn path(&self) -> &Path {
        match self {
            Self::Report { rows, .. } | Self::Events(rows) => rows,
        }
    }

    /// Days and versions in their order; unreadable manifests last, then events.
    fn order(&self) -> (u8, String, u32, PathBuf) {
        match self {
            Self::Report { rows, read: Ok(manifest), .. } => {
                (0, manifest.business_date.to_string(), manifest.version, rows.clone())
            }
            Self::Report { rows, .. } => (1, String::new(), 0, rows.clone()),
            Self::Events(path) => (2, String::new(), 0, path.clone()),
        }
    }
}

/// The whole file, or standard input for `-`.
pub fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    if is_stdin(path) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))
}

/// `<file>.manifest.json`.
pub fn manifest_path(rows: &Path) -> PathBuf {
    let mut name = rows.as_os_str().to_owned();
    name.push(".manifest.json");
    PathBuf::from(name)
}

fn is_manifest(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".manifest.json")
}

fn is_events(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".events.ndjson") || name.ends_with(".json") && !is_manifest(path)
}

/// Everything that the arguments name, in the order in which it is to be submitted; and files of folders that are left out.
pub fn collect(paths: &[PathBuf], manifest: Option<&Path>) -> Result<(Vec<Item>, Vec<PathBuf>), CliError> {
    let (mut items, mut left_out) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            for file in folder(path)? {
                let has_manifest = manifest_path(&file).is_file();
                if has_manifest || is_events(&file) {
                    items.push(item(&file, None)?);
                } else if !is_manifest(&file) {
                    left_out.push(file);
                }
            }
        } else {
            items.push(item(path, manifest)?);
        }
    }
    items.sort_by_cached_key(Item::order);
    Ok((items, left_out))
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |e: std::io::Error| CliError::Usage(format!("{}: {e}", path.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if file.is_file() && !hidden {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn item(path: &Path, manifest: Option<&Path>) -> Result<Item, CliError> {
    if is_manifest(path) {
        let rows = path.to_string_lossy().trim_end_matches(".manifest.json").to_owned();
        return Err(CliError::Usage(format!("{} is a manifest; name its file of rows, {rows}", path.display())));
    }
    let beside = manifest_path(path);
    let manifest = match manifest {
        Some(given) => given.to_owned(),
        None if is_stdin(path) || is_events(path) && !beside.is_file() => return Ok(Item::Events(path.to_owned())),
        None if beside.is_file() => beside,
        None => {
            return Err(CliError::Usage(format!(
                "{} has no manifest beside it; write one with `safu contributions manifest {0}`",
                path.display()
            )));
        }
    };
    let bytes = read(&manifest)?;
    let read = Manifest::parse(&bytes).map(Box::new);
    Ok(Item::Report { rows: path.to_owned(), manifest: bytes, read })
}

/// The key under which a report is submitted unless one is given: the same for the same manifest and rows, so that a command that
/// is run again after any failure has one effect.
pub fn report_key(manifest: &[u8], rows: &[u8]) -> String {
    format!("fee-report/{}", hex::encode(sha256(&[sha256(manifest), sha256(rows)].concat())))
}

/// The key of a part of a file of events.
pub fn events_key(events: &[u8]) -> String {
    format!("events/{}", hex::encode(sha256(events)))
}

/// Cuts NDJSON into parts that one request may have; a JSON list goes as it is.
pub fn event_parts(bytes: &[u8]) -> Vec<&[u8]> {
    if bytes.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return vec![bytes];
    }
    let mut parts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let ends = rest.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at.saturating_add(1));
        let end = ends.take(EVENTS_A_REQUEST).enumerate().last();
        let whole = end.filter(|(lines, _)| lines.saturating_add(1) == EVENTS_A_REQUEST);
        let (part, after) = rest.split_at_checked(whole.map_or(rest.len(), |(_, end)| end)).unwrap_or((rest, &[]));
        parts.push(part);
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_at_line_ends_and_nothing_is_lost() {
        let text: String = (0..25_001).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        let parts = event_parts(text.as_bytes());
        let lines: Vec<usize> = parts.iter().map(|part| part.iter().filter(|b| **b == b'\n').count()).collect();
        assert_eq!(lines, [10_000, 10_000, 5_001]);
        assert_eq!(parts.concat(), text.as_bytes());
        assert_eq!(event_parts(b"{\"a\":1}"), [b"{\"a\":1}"]);
        assert_eq!(event_parts(b" [1,\n2]").len(), 1);
    }

    #[test]
    fn names_tell_what_a_file_is() {
        assert!(is_events(Path::new("a.events.ndjson")) && is_events(Path::new("a.json")));
        assert!(!is_events(Path::new("a.csv.manifest.json")) && !is_events(Path::new("rows.ndjson")));
        assert_eq!(manifest_path(Path::new("d/a.csv")), Path::new("d/a.csv.manifest.json"));
    }

    #[test]
    fn keys_depend_on_manifest_and_rows() {
        let key = report_key(b"m", b"r");
        assert!(key.len() <= 128 && key == report_key(b"m", b"r"));
        assert_ne!(key, report_key(b"mr", b""));
    }
}
