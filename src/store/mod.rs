//! Every call of the product to its database: one file a noun. [`Store::write`] is the only thing that opens a write
//! transaction; [`Store::read`] sees one unchanging state of the book.

pub mod access;
mod bulk;
pub mod claim;
pub mod conn;
pub mod contribution;
pub mod copy;
pub mod error;
pub mod evidence;
pub mod fact;
pub mod fee_report;
pub mod health;
pub mod holding;
pub mod identity;
pub mod incident;
pub mod journal;
pub mod key;
pub mod late;
pub mod log;
pub mod migrate;
pub mod payout;
pub mod person;
pub mod price;
pub mod projection;
pub mod proposal;
pub mod rebuild;
pub mod reference;
pub mod request;
pub mod schema;
mod standing;
pub mod trail;
pub mod tx;
pub mod types;
pub mod view;
mod writer;

use conn::{Conn, DatabaseUrl, Engine};
use error::StoreError;

/// Readers that work at the same time.
const READERS: usize = 8;

/// A book's database: one writer, several readers.
#[derive(Clone)]
pub struct Store {
    url: DatabaseUrl,
    standing: std::sync::Arc<standing::Standing>,
    writer: writer::Writer,
    readers: std::sync::Arc<Readers>,
}

/// Idle read connections; made on demand, at most [`READERS`] are kept.
#[derive(Default)]
struct Readers {
    idle: std::sync::Mutex<Vec<Conn>>,
    closed: std::sync::atomic::AtomicBool,
}

impl Store {
    /// Opens an existing book's database. The schema must be up to date; see [`migrate`].
    pub fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let conn = url.connect()?;
        let standing = standing::Standing::new(url);
        Ok(Self {
            url: url.clone(),
            writer: writer::Writer::start(url.clone(), conn, std::sync::Arc::clone(&standing))?,
            standing,
            readers: std::sync::Arc::new(Readers::default()),
        })
    }

    /// Where the book lives.
    pub const fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The engine.
    pub const fn engine(&self) -> Engine {
        self.url.engine()
    }

    /// Runs `body` in a write transaction and returns once it is durable. The closure may be run several times (after a
    /// conflict with another process, or after a lost connection), so it must begin with the look-up of its idempotency key
    /// and must take all its decisions from what it reads inside.
    ///
    /// # Errors
    /// What the closure returned, or the database's own failure after bounded retries; then nothing was recorded.
    pub fn write<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        self.standing.check()?;
        self.writer.submit(writer::Scope::Book, body)
    }

    /// The same for a batch of single events, which moves [`Store::commits_of_book`] not.
    pub(crate) fn write_feed<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        self.standing.check()?;
        self.writer.submit(writer::Scope::Feed, body)
    }

    /// The same without waiting: `done` hears on the writer's thread what became of it; a full queue or a stopped writer drops it unheard.
    pub(crate) fn start_feed<T, F, D>(&self, body: F, done: D)
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, StoreError> + Send + 'static,
        D: FnOnce(Result<T, StoreError>) + Send + 'static,
    {
        self.writer.enqueue(writer::Scope::Feed, body, done);
    }

    /// Lets nothing more be recorded through this process but logins; there is no way back. Use cases heed it.
    pub fn hold(&self) {
        self.standing.hold();
    }

    /// True after [`Store::hold`].
    pub fn is_held(&self) -> bool {
        self.standing.is_held()
    }

    /// Why writing does not work at present: the disk is full, the server is gone. Nothing is written until a write that is not
    /// kept has worked, which is tried once a second.
    pub fn why_lost(&self) -> Option<String> {
        self.standing.why_lost()
    }

    /// Stops writing until it has been tried and works: for those who find that the database cannot even be read.
    pub fn lose(&self, why: &str) {
        self.standing.lose(why);
    }

    /// Runs `body` in a read transaction: all it reads is one state of the book.
    pub fn read<T>(&self, body: impl FnOnce(&mut Conn) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.readers.take().and_then(|mut conn| conn.begin_read().is_ok().then_some(conn));
        let mut conn = match idle {
            Some(conn) => conn,
            // None idle, or the idle one died with its server: a new one tells which.
            None => {
                let mut conn = self.url.connect()?;
                conn.begin_read()?;
                conn
            }
        };
        let result = body(&mut conn);
        conn.rollback();
        if !matches!(result, Err(StoreError::Unavailable(_))) {
            self.readers.give_back(conn);
        }
        result
    }

    /// Runs `body` in a write transaction of its own and takes everything back: to see what a command would do. Writers wait
    /// meanwhile, so it is for what a person looks at, not for jobs.
    ///
    /// # Errors
    /// What the closure returned, or the database's failure.
    pub fn rehearse<T>(&self, body: impl FnOnce(&mut Conn) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut conn = self.url.connect()?;
        conn.begin_write()?;
        let result = body(&mut conn);
        conn.rollback();
        result
    }

    /// Finishes what was submitted, then closes the database; a SQLite book is one file after that. Nothing is recorded any more.
    pub fn close(&self) {
        self.writer.close();
        self.readers.closed.store(true, std::sync::atomic::Ordering::Release);
        while self.readers.take().is_some() {}
    }

    /// Moves with every commit of this process.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// Moves with every commit of this process but those of single events alone: for what events never change.
    pub fn commits_of_book(&self) -> u64 {
        self.writer.commits_of_book()
    }
}

impl Readers {
    fn take(&self) -> Option<Conn> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
    }

    fn give_back(&self, conn: Conn) {
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < READERS && !self.closed.load(std::sync::atomic::Ordering::Acquire) {
            idle.push(conn);
        }
    }
}
