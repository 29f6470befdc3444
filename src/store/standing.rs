//! Whether this process can write its book, and how it finds out that it can again.
//!
//! A write that the disk or the server refuses stops all others at once: each would fail the same way, one after another, while
//! callers wait. From then on a thread tries, once a second, to write something that is not kept; when that works, writes do too.

use super::conn::DatabaseUrl;
use super::error::StoreError;
use super::health;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time between two tries.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Whether writes are taken.
pub(super) struct Standing {
    place: Place,
    /// Set where nothing may be recorded through this process.
    held: AtomicBool,
    is_lost: AtomicBool,
    why_lost: Mutex<Option<String>>,
}

impl Standing {
    /// For a book that has just been opened.
    pub(super) fn new(url: &DatabaseUrl) -> Arc<Self> {
        Arc::new(Self {
            place: Place::of(url),
            held: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            why_lost: Mutex::new(None),
        })
    }

    pub(super) fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Why writing does not work at present.
    pub(super) fn why_lost(&self) -> Option<String> {
        if self.is_lost.load(Ordering::Acquire) { self.why().clone() } else { None }
    }

    /// Refuses a write that cannot succeed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.why_lost().map_or(Ok(()), |why| Err(StoreError::Unavailable(why)))
    }

    /// Refuses a commit into a file that is not the book's any more: it would be durable where nobody looks.
    pub(super) fn check_place(&self) -> Result<(), StoreError> {
        self.place.check()
    }

    /// Stops writing for this reason, until a try succeeds.
    pub(super) fn lose(self: &Arc<Self>, why: &str) {
        let before = self.why().replace(why.to_owned());
        self.is_lost.store(true, Ordering::Release);
        if before.is_some() {
            return;
        }
        tracing::error!(why, "the book cannot be written: it is read-only until that works again");
        let standing = Arc::downgrade(self);
        let tries = std::thread::Builder::new().name("safu-recovery".to_owned()).spawn(move || {
            loop {
                std::thread::sleep(TRY_EVERY);
                // The store may have been closed meanwhile.
                let Some(standing) = standing.upgrade() else { return };
                if standing.try_again() {
                    return;
                }
            }
        });
        // Without a thread to try, the next write is the try.
        if tries.is_err() {
            self.find();
        }
    }

    fn try_again(&self) -> bool {
        match self.place.check().and_then(|()| health::probe_write(&self.place.url)) {
            Ok(()) => {
                self.find();
                tracing::info!("the book can be written again");
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the book still cannot be written");
                false
            }
        }
    }

    fn find(&self) {
        let mut why = self.why();
        *why = None;
        self.is_lost.store(false, Ordering::Release);
    }

    fn why(&self) -> MutexGuard<'_, Option<String>> {
        self.why_lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the book lies. An open file goes on living when its name is taken away or given to another one, so the name is asked.
struct Place {
    url: DatabaseUrl,
    /// Device and number of the file that was opened; unknown for a server, and on systems that do not number files.
    file: Option<(u64, u64)>,
}

impl Place {
    fn of(url: &DatabaseUrl) -> Self {
        Self { url: url.clone(), file: url.path().and_then(file_number) }
    }

    fn check(&self) -> Result<(), StoreError> {
        let Some((opened, path)) = self.file.zip(self.url.path()) else { return Ok(()) };
        match file_number(path) {
            Some(found) if found == opened => Ok(()),
            Some(_) => {
                Err(StoreError::Unavailable(format!("{} is another file than the one that was opened", self.url.display())))
            }
            None => Err(StoreError::Unavailable(format!("{} is not there any more", self.url.display()))),
        }
    }
}

#[cfg(unix)]
fn file_number(path: &std::path::Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
const fn file_number(_: &std::path::Path) -> Option<(u64, u64)> {
    None
}
