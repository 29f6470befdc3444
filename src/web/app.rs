//! What all workers share.

use super::auth::KeyCache;
use super::blocking::block;
use super::limits::{InFlight, RateLimiter};
use super::oidc::{OidcConfig, Provider};
use super::problem::{self, Failed};
use super::report_cache::ReportCache;
use super::session::Site;
use crate::domain::asset::AssetId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::Book;
use crate::service::audit::check::Checks;
use crate::service::audit::refused::Refusals;
use crate::service::contributions::events::EventFeed;
use crate::service::identity;
use crate::service::mode::Watch;
use crate::store::error::StoreError;
use crate::store::reference;
use crate::telemetry::{Metrics, Stopwatch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What is shown above every page until the first person can log in.
pub const OPEN_PAGES: &str = "Nobody can log in to this book yet: whoever reaches this address reads the whole book.";

/// How much one request and one key may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a JSON or NDJSON body.
    pub json_bytes: usize,
    /// Bytes of all parts of a multipart body together.
    pub upload_bytes: usize,
    /// Uploads that are held in memory at the same time; others wait.
    pub uploads: usize,
    /// Requests a second and key; 0 for no limit.
    pub requests_per_second: u64,
    /// Time for a whole body to arrive.
    pub body_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 4 << 20,
            upload_bytes: 256 << 20,
            uploads: 4,
            requests_per_second: 50_000,
            body_time: Duration::from_secs(600),
        }
    }
}

/// What all workers of one server share.
pub struct AppState {
    /// The book that is served.
    pub book: Book,
    /// Its name, for pages.
    pub name: String,
    /// Code of its functional currency, for pages.
    pub currency: String,
    /// Limits.
    pub limits: Limits,
    /// Counters.
    pub metrics: Metrics,
    /// The entrance for single contribution events.
    pub feed: EventFeed,
    pub(super) keys: KeyCache,
    pub(super) reports: ReportCache,
    pub(super) rates: RateLimiter,
    pub(super) in_flight: InFlight,
    pub(super) uploads: Semaphore,
    pub(super) site: Site,
    pub(super) hashing: Hashing,
    pub(super) watch: Watch,
    /// Checks of the chain.
    pub(super) checks: Arc<Checks>,
    /// Where refusals go.
    pub(super) refusals: Refusals,
    pub(super) provider: Option<Arc<Provider>>,
    logins: AtomicBool,
    started: Stopwatch,
}

impl AppState {
    /// The state of a server for this book.
    ///
    /// # Errors
    /// The database's failure, or a book without its first rows.
    pub fn new(book: Book, limits: Limits, public_origin: Option<String>) -> Result<Self, StoreError> {
        let missing = || StoreError::Damaged("the row of the book or of its first asset is missing".to_owned());
        let (name, currency) = book.read(|conn| {
            let name = reference::book_row(conn)?.ok_or_else(missing)?.name;
            let first = reference::asset_rows(conn)?.into_iter().find(|row| AssetId(row.id) == crate::service::refs::FUNCTIONAL);
            Ok((name, first.ok_or_else(missing)?.code))
        })?;
        let feed = EventFeed::start(&book)?;
        let refusals = Refusals::start(&book)?;
        let logins = AtomicBool::new(book.read(identity::has_logins)?);
        identity::password::prepare()?;
        let watch = Watch::start(&book)?;
        Ok(Self {
            book,
            name,
            currency,
            limits,
            metrics: Metrics::default(),
            feed,
            keys: KeyCache::default(),
            reports: ReportCache::default(),
            rates: RateLimiter::new(limits.requests_per_second),
            in_flight: InFlight::default(),
            uploads: Semaphore::new(limits.uploads.max(1)),
            site: Site::new(public_origin),
            hashing: Hashing::default(),
            watch,
            checks: Arc::default(),
            refusals,
            provider: None,
            logins,
            started: Stopwatch::start(),
        })
    }

    /// The same with an identity provider by which persons may log in.
    #[must_use]
    pub fn with_provider(self, config: Option<OidcConfig>) -> Self {
        Self { provider: config.map(|config| Arc::new(Provider::new(config))), ..self }
    }

    /// A turn at the provider; whoever comes when all are taken comes again.
    pub(super) fn provider_turn<'a>(&self, provider: &'a Provider) -> Result<SemaphorePermit<'a>, Failed> {
        let detail = "too many people log in at this moment; try again in a few seconds";
        provider.exchanges.try_acquire().map_err(|_| Rejection::new(OutcomeCode::Unavailable, "", "", detail).into())
    }

    /// Time since the server started.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// True once anybody can log in. There is no way back, so it is looked up until it is.
    pub(super) async fn has_logins(&self) -> Result<bool, Failed> {
        if self.logins.load(Ordering::Acquire) {
            return Ok(true);
        }
        let book = self.book.clone();
        let found = block(move || book.read(identity::has_logins)).await;
        let found = found.map_err(|error| problem::internal(&error))??;
        self.logins.fetch_or(found, Ordering::AcqRel);
        Ok(found)
    }

    /// Notes that somebody has logged in, so there is no need to look it up.
    pub(super) fn note_login(&self) {
        self.logins.store(true, Ordering::Release);
    }

    /// The warnings above pages: while they are open to everybody, while nothing is recorded.
    pub(super) fn banner(&self) -> Option<String> {
        let open = (!self.logins.load(Ordering::Acquire)).then(|| OPEN_PAGES.to_owned());
        let all: Vec<String> = self.watch.mode().banner().into_iter().chain(open).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// Bounds how many passwords are compared at once: each takes 19 MiB and some tens of milliseconds.
#[derive(Debug)]
pub(super) struct Hashing {
    running: Semaphore,
    waiting: Semaphore,
}

/// Comparisons that run at the same time.
const HASHES: usize = 2;
/// Comparisons that may run or wait; a person waits for at most some seconds.
const HASHES_WAITING: usize = 64;

impl Default for Hashing {
    fn default() -> Self {
        Self { running: Semaphore::new(HASHES), waiting: Semaphore::new(HASHES_WAITING) }
    }
}

impl Hashing {
    /// Runs what compares passwords, away from the worker and not too many at once.
    ///
    /// # Errors
    /// `Unavailable` when too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, StoreError>, Failed> {
        let full = || {
            let detail = "too many people log in at this moment; try again in a few seconds";
            Failed::from(Rejection::new(OutcomeCode::Unavailable, "", "", detail))
        };
        let _place = self.waiting.try_acquire().map_err(|_| full())?;
        let _turn = self.running.acquire().await.map_err(|_| full())?;
        block(work).await.map_err(|error| problem::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn few_passwords_are_compared_at_once_and_a_crowd_is_sent_away() {
        let (hashing, running, most) = (Hashing::default(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = || {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(2));
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        };
        let crowd = HASHES_WAITING + 6;
        let all = actix_web::rt::System::new().block_on(futures_util::future::join_all((0..crowd).map(|_| hashing.run(work()))));
        assert_eq!(most.load(Ordering::SeqCst), HASHES);
        assert_eq!(all.iter().filter(|one| one.is_err()).count(), 6);
    }
}
