//! The one write path. All writes of a process go through one thread that commits them in groups: requests that arrive while
//! one commit is being made durable share the next. A request that fails does not fail its neighbours.

use super::conn::{Conn, DatabaseUrl, Engine};
use super::error::StoreError;
use super::standing::Standing;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// How many requests share a commit at most.
const GROUP_LIMIT: usize = 256;
/// How many requests may wait before writers are held back.
const QUEUE_LIMIT: usize = 4096;
/// How often a closure is run again after a conflict with another process.
const MAX_ATTEMPTS: u32 = 12;

/// A unit of work: runs inside the transaction (perhaps several times), then hears whether it became durable.
trait Job: Send {
    /// Runs once more from the start. `Ok` means: commit what was written.
    fn run(&mut self, conn: &mut Conn) -> Result<(), StoreError>;
    /// What it may change.
    fn scope(&self) -> Scope;
    /// Hands the last result of [`Job::run`] to whoever waits, or `error` in its place.
    fn finish(self: Box<Self>, error: Option<StoreError>);
    /// True for what ends the writer.
    fn is_last(&self) -> bool {
        false
    }
}

/// Ends the writer once what was submitted before is done.
struct Stop;

impl Job for Stop {
    fn run(&mut self, _: &mut Conn) -> Result<(), StoreError> {
        Ok(())
    }
    fn scope(&self) -> Scope {
        Scope::Feed
    }
    fn finish(self: Box<Self>, _: Option<StoreError>) {}
    fn is_last(&self) -> bool {
        true
    }
}

/// What a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Anything.
    Book,
    /// Single events and the entries, balances and answers that go with them; nothing that says who may do what.
    Feed,
}

/// How often a process has committed.
#[derive(Debug, Default)]
struct Commits {
    all: AtomicU64,
    of_book: AtomicU64,
}

impl Commits {
    fn count(&self, of_book: bool) {
        if of_book {
            self.of_book.fetch_add(1, Ordering::Release);
        }
        self.all.fetch_add(1, Ordering::Release);
    }
}

struct Task<T, F, D> {
    scope: Scope,
    body: F,
    result: Option<Result<T, StoreError>>,
    done: D,
}

impl<T, F, D> Job for Task<T, F, D>
where
    T: Send,
    F: FnMut(&mut Conn) -> Result<T, StoreError> + Send,
    D: FnOnce(Result<T, StoreError>) + Send,
{
    fn run(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        match (self.body)(conn) {
            Ok(value) => {
                self.result = Some(Ok(value));
                Ok(())
            }
            Err(StoreError::Rejected(rejection)) => {
                self.result = Some(Err(StoreError::Rejected(rejection.clone())));
                Err(StoreError::Rejected(rejection))
            }
            Err(error) => {
                self.result = None;
                Err(error)
            }
        }
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn finish(self: Box<Self>, error: Option<StoreError>) {
        let Self { result, done, .. } = *self;
        let lost = || Err(StoreError::Database("the write was not run".to_owned()));
        done(error.map_or_else(|| result.unwrap_or_else(lost), Err));
    }
}

/// The handle that submits work to the writer thread.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::SyncSender<Box<dyn Job>>,
    commits: Arc<Commits>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    /// Starts the thread with a connection of its own.
    pub(super) fn start(url: DatabaseUrl, conn: Conn, standing: Arc<Standing>) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::sync_channel::<Box<dyn Job>>(QUEUE_LIMIT);
        let commits = Arc::new(Commits::default());
        let counter = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("safu-writer".to_owned())
            .spawn(move || Loop { url, conn: Some(conn), standing, counter }.serve(&jobs))
            .map_err(|e| StoreError::Unavailable(format!("cannot start the writer: {e}")))?;
        Ok(Self { queue, commits, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Ends the thread once what was submitted until now is done, and its connection with it. What is submitted later is refused.
    pub(super) fn close(&self) {
        // Where it has stopped already there is nobody to be told.
        let _ = self.queue.send(Box::new(Stop));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer did not end well");
        }
    }

    /// Runs `body` in a write transaction and waits until it is durable. `body` may run several times.
    pub(super) fn submit<T, F>(&self, scope: Scope, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = mpsc::sync_channel(1);
        let done = move |result| {
            // The caller may have gone away; what was committed stays committed.
            let _ = reply.send(result);
        };
        self.queue.send(Box::new(Task { scope, body, result: None, done })).map_err(|_| stopped())?;
        answer.recv().map_err(|_| stopped())?
    }

    /// Puts `body` in the queue and goes on. `done` is called on the writer's thread, so it must be short: with the result once that is
    /// durable, or with what stood in the way. Where the queue is full or the writer has stopped, both are dropped uncalled.
    pub(super) fn enqueue<T, F, D>(&self, scope: Scope, body: F, done: D)
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, StoreError> + Send + 'static,
        D: FnOnce(Result<T, StoreError>) + Send + 'static,
    {
        drop(self.queue.try_send(Box::new(Task { scope, body, result: None, done })));
    }

    /// How many commits this process has made; moves with every change, so caches can key on it.
    pub(super) fn commits(&self) -> u64 {
        self.commits.all.load(Ordering::Acquire)
    }

    /// The same without the commits that held single events only.
    pub(super) fn commits_of_book(&self) -> u64 {
        self.commits.of_book.load(Ordering::Acquire)
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

struct Loop {
    url: DatabaseUrl,
    conn: Option<Conn>,
    standing: Arc<Standing>,
    counter: Arc<Commits>,
}

impl Loop {
    fn serve(mut self, jobs: &mpsc::Receiver<Box<dyn Job>>) {
        while let Ok(first) = jobs.recv() {
            let mut group = vec![first];
            group.extend(jobs.try_iter().take(GROUP_LIMIT.saturating_sub(1)));
            let ends = group.iter().any(|job| job.is_last());
            group.retain(|job| !job.is_last());
            self.commit_group(group);
            if ends {
                return;
            }
        }
    }

    /// Tries to commit all together; if anything but a rule says no, each is run on its own.
    fn commit_group(&mut self, mut group: Vec<Box<dyn Job>>) {
        if group.len() > 1 && self.standing.check().is_ok() && self.try_together(&mut group).is_ok() {
            self.counter.count(group.iter().any(|job| job.scope() == Scope::Book));
            group.into_iter().for_each(|job| job.finish(None));
            return;
        }
        for job in group {
            // What stopped the one before would stop this one too, and others wait.
            match self.standing.check() {
                Ok(()) => self.commit_alone(job),
                Err(error) => job.finish(Some(error)),
            }
        }
    }

    fn try_together(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let conn = connection(&self.url, &mut self.conn)?;
        begin(conn)?;
        for job in group.iter_mut() {
            let before = changes(conn);
            match job.run(conn) {
                Ok(()) => {}
                // A refusal decided before anything was written leaves its neighbours untouched.
                Err(StoreError::Rejected(_)) if before.is_some() && before == changes(conn) => {}
                Err(error) => return Err(undo(conn, error)),
            }
        }
        commit(conn, &self.standing)
    }

    fn commit_alone(&mut self, mut job: Box<dyn Job>) {
        let mut attempt = 0_u32;
        let outcome = loop {
            attempt = attempt.saturating_add(1);
            match self.try_alone(job.as_mut()) {
                Ok(()) => break None,
                Err(StoreError::Rejected(rejection)) => break Some(StoreError::Rejected(rejection)),
                Err(error) => {
                    let again = error.is_retryable() || self.lost_connection(&error);
                    if !again || attempt >= MAX_ATTEMPTS {
                        break Some(error);
                    }
                    tracing::debug!(%error, attempt, "write is run again");
                    std::thread::sleep(backoff(attempt));
                }
            }
        };
        match &outcome {
            None => {
                self.counter.count(job.scope() == Scope::Book);
            }
            Some(StoreError::Unavailable(why)) => self.standing.lose(why),
            Some(_) => {}
        }
        job.finish(outcome);
    }

    fn try_alone(&mut self, job: &mut dyn Job) -> Result<(), StoreError> {
        let conn = connection(&self.url, &mut self.conn)?;
        begin(conn)?;
        if let Err(error) = job.run(conn) {
            return Err(undo(conn, error));
        }
        commit(conn, &self.standing)
    }

    /// After a lost connection nobody knows whether the COMMIT took effect. The closure is run again on a new one: it begins
    /// with a look-up of its idempotency key, so a commit that did happen is answered as the replay that it is.
    fn lost_connection(&mut self, error: &StoreError) -> bool {
        if !matches!(error, StoreError::Unavailable(_)) {
            return false;
        }
        let reconnect = self.conn.as_ref().is_none_or(|conn| conn.engine() == Engine::Postgres);
        if reconnect {
            self.conn = None;
        }
        reconnect
    }
}

fn connection<'c>(url: &DatabaseUrl, conn: &'c mut Option<Conn>) -> Result<&'c mut Conn, StoreError> {
    if conn.is_none() {
        *conn = Some(url.connect()?);
    }
    conn.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
}

fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    conn.begin_write().map_err(|error| undo(conn, error.into()))
}

fn commit(conn: &mut Conn, standing: &Standing) -> Result<(), StoreError> {
    let done = standing.check_place().and_then(|()| conn.commit().map_err(StoreError::from));
    done.map_err(|error| undo(conn, error))
}

/// Rolls back after an error. A server that does not even answer that is gone, whatever words the first error had.
fn undo(conn: &mut Conn, error: StoreError) -> StoreError {
    let answered = conn.rollback();
    match error {
        StoreError::Database(text) if !answered && conn.engine() == Engine::Postgres => StoreError::Unavailable(text),
        error => error,
    }
}

/// Rows this connection has changed so far. PostgreSQL has no such counter: there a refusal counts as one that may have written, and
/// each job of its group is run on its own.
fn changes(conn: &mut Conn) -> Option<i64> {
    match conn {
        Conn::Sqlite(c) => diesel::select(diesel::dsl::sql::<BigInt>("total_changes()")).get_result(c).ok(),
        #[cfg(feature = "postgres")]
        Conn::Postgres(_) => None,
    }
}

/// 2, 4, 8 … ms up to about a quarter of a second, spread by the thread's own address-free jitter.
fn backoff(attempt: u32) -> Duration {
    let base = 1_u64.checked_shl(attempt.min(8)).unwrap_or(256);
    let jitter = std::process::id().wrapping_mul(attempt) % 7;
    Duration::from_millis(base.saturating_add(u64::from(jitter)))
}
