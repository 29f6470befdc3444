//! Backup and restore of an embedded book: whole copies that are verified before anybody relies on them.

use super::Book;
use super::clock::Clock;
use super::init;
use super::verify::{Verdict, verify};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::store::conn::{DatabaseUrl, Engine};
use crate::store::copy::copy_into;
use crate::store::error::StoreError;
use crate::store::identity;
use std::path::{Path, PathBuf};

/// Copies a book that may be in use into a new file and verifies the copy; nothing is left of a copy that is not good.
///
/// # Errors
/// `AlreadyExists` when the file is there, `InvalidField` for a book on PostgreSQL, or the failure of the disk or the database.
pub fn backup(from: &DatabaseUrl, file: &Path) -> Result<Verdict, StoreError> {
    require_embedded(from)?;
    init::open(from, Clock::System)?;
    copy_verified(from, file, |_| Ok(()))
}

/// Verifies a backup and makes a new book of it where there is none yet. Nobody is logged in to it and no invitation is good: those
/// that were ended after the backup must not come to life again.
///
/// # Errors
/// As [`backup`]; a backup that is not verified is not restored, and its verdict says why.
pub fn restore(backup: &Path, to: &DatabaseUrl) -> Result<Verdict, StoreError> {
    require_embedded(to)?;
    let Some(place) = to.path().map(Path::to_path_buf) else { return Err(on_server(to).into()) };
    let from = DatabaseUrl::parse(&format!("sqlite://{}", backup.display()))?;
    let found = verify(&init::open(&from, Clock::System)?)?;
    if !found.is_good() {
        return Ok(found);
    }
    copy_verified(&from, &place, |book| book.store.write(identity::end_all_access))
}

/// Copies beside the place first, so that a copy that was cut off is never taken for a book.
fn copy_verified(
    from: &DatabaseUrl,
    file: &Path,
    then: impl FnOnce(&Book) -> Result<(), StoreError>,
) -> Result<Verdict, StoreError> {
    if file.exists() {
        let detail = "is there already; name a file that is not";
        return Err(Rejection::new(OutcomeCode::AlreadyExists, "file", file.display(), detail).into());
    }
    let unfinished = beside(file);
    remove(&unfinished)?;
    let copied = copy_into(from, &unfinished).and_then(|()| {
        let url = DatabaseUrl::parse(&format!("sqlite://{}", unfinished.display()))?;
        let copy = Book::open(&url, Clock::System)?;
        then(&copy)?;
        verify(&copy)
    });
    match copied {
        Ok(verdict) if verdict.is_good() => {
            std::fs::File::open(&unfinished).and_then(|copy| copy.sync_all()).map_err(|error| failed(&unfinished, &error))?;
            std::fs::rename(&unfinished, file).map_err(|error| failed(file, &error))?;
            remove_companions(&unfinished);
            Ok(verdict)
        }
        other => {
            remove(&unfinished)?;
            remove_companions(&unfinished);
            other
        }
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

fn remove(file: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(file, &error)),
        _ => Ok(()),
    }
}

/// The files that the library keeps beside an open database; the copy is whole without them.
fn remove_companions(file: &Path) {
    for end in ["-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        // What cannot be removed is empty.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

fn failed(file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Surroundings(format!("{}: {error}", file.display()))
}

fn require_embedded(url: &DatabaseUrl) -> Result<(), Rejection> {
    if url.engine() == Engine::Sqlite { Ok(()) } else { Err(on_server(url)) }
}

fn on_server(url: &DatabaseUrl) -> Rejection {
    let detail = "a book on PostgreSQL is backed up with pg_dump or a base backup; docs/OPERATIONS.md says how";
    Rejection::invalid("database", url.display(), detail)
}
