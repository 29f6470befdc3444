//! One connection type for both engines.
#![allow(missing_docs, reason = "the MultiConnection derive emits undocumented items")]

use super::error::StoreError;
use diesel::connection::SimpleConnection;
use diesel::{Connection, MultiConnection, SqliteConnection};

/// A connection to the book, whatever the engine.
#[derive(MultiConnection)]
pub enum Conn {
    /// SQLite, embedded.
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
}

/// Runs one body on the engine's own connection: for batch inserts, upserts and other things that diesel's multi-connection
/// cannot express.
macro_rules! on_each {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::store::conn::Conn::Sqlite($c) => $body,
            #[cfg(feature = "postgres")]
            $crate::store::conn::Conn::Postgres($c) => $body,
        }
    };
}
pub(crate) use on_each;

/// The database engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Where a book lives, from `--database` or `SAFU_DATABASE_URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    text: String,
    engine: Engine,
}

impl DatabaseUrl {
    /// Reads `sqlite://path`, a bare path, or `postgres://…`.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return Ok(Self { text: path.to_owned(), engine: Engine::Sqlite });
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self { text: text.to_owned(), engine: Engine::Postgres });
        }
        if text.is_empty() || text.contains("://") {
            return Err(StoreError::Url(format!("{text:?} is not a database; write sqlite://PATH or postgres://USER@HOST/NAME")));
        }
        Ok(Self { text: text.to_owned(), engine: Engine::Sqlite })
    }

    /// The engine the scheme names.
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// For people: never with a password.
    pub fn display(&self) -> String {
        match self.engine {
            Engine::Sqlite => format!("sqlite://{}", self.text),
            Engine::Postgres => match self.text.rsplit_once('@') {
                Some((_, rest)) => format!("postgres://…@{rest}"),
                None => self.text.clone(),
            },
        }
    }

    /// The file of a SQLite book.
    pub fn path(&self) -> Option<&std::path::Path> {
        (self.engine == Engine::Sqlite).then(|| std::path::Path::new(&self.text))
    }

    /// Opens a connection and sets it up: WAL, full synchronisation and foreign keys on SQLite.
    pub fn connect(&self) -> Result<Conn, StoreError> {
        match self.engine {
            Engine::Sqlite => {
                let mut conn = SqliteConnection::establish(&self.text)
                    .map_err(|e| StoreError::Unavailable(format!("cannot open {}: {e}", self.display())))?;
                conn.batch_execute(SQLITE_SETUP).map_err(StoreError::classify)?;
                Ok(Conn::Sqlite(conn))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres => {
                let mut conn = diesel::PgConnection::establish(&with_patience(&self.text))
                    .map_err(|e| StoreError::Unavailable(format!("cannot reach {}: {e}", self.display())))?;
                conn.batch_execute(POSTGRES_SETUP).map_err(StoreError::classify)?;
                Ok(Conn::Postgres(conn))
            }
            #[cfg(not(feature = "postgres"))]
            Engine::Postgres => Err(StoreError::Url(
                "this safu was built without PostgreSQL; build it with `cargo build --release --features postgres`".to_owned(),
            )),
        }
    }
}

// busy_timeout covers other processes (CLI beside a server); within this process there is one writer anyway.
const SQLITE_SETUP: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; \
    PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4096;";

/// Parameters that end the wait for a server that has gone without a word, unless the address says otherwise: without them a
/// write waits for many minutes.
#[cfg(feature = "postgres")]
const PATIENCE: [(&str, &str); 5] = [
    ("connect_timeout", "30"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
];

#[cfg(feature = "postgres")]
fn with_patience(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in PATIENCE {
        if !url.contains(&format!("{name}=")) {
            let join = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{join}{name}={value}"));
        }
    }
    url
}

#[cfg(feature = "postgres")]
const POSTGRES_SETUP: &str = "SET client_min_messages TO warning; SET timezone TO 'UTC'; \
    SET idle_in_transaction_session_timeout TO '60s'; SET statement_timeout TO '120s';";

impl Conn {
    /// The engine behind this connection.
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Starts a write transaction: immediate on SQLite (a plain BEGIN would ignore the busy timeout when it upgrades),
    /// serializable on PostgreSQL.
    pub(crate) fn begin_write(&mut self) -> Result<(), diesel::result::Error> {
        match self {
            Self::Sqlite(c) => c.batch_execute("BEGIN IMMEDIATE"),
            #[cfg(feature = "postgres")]
            Self::Postgres(c) => c.batch_execute("BEGIN ISOLATION LEVEL SERIALIZABLE"),
        }
    }

    /// Starts a read transaction: everything read in it is one state of the book.
    pub(crate) fn begin_read(&mut self) -> Result<(), diesel::result::Error> {
        match self {
            Self::Sqlite(c) => c.batch_execute("BEGIN"),
            #[cfg(feature = "postgres")]
            Self::Postgres(c) => c.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        }
    }

    /// Commits. On PostgreSQL a statement first proves that the transaction is not aborted: the server answers a COMMIT of an
    /// aborted one with a rollback and no error.
    pub(crate) fn commit(&mut self) -> Result<(), diesel::result::Error> {
        match self {
            Self::Sqlite(c) => c.batch_execute("COMMIT"),
            #[cfg(feature = "postgres")]
            Self::Postgres(c) => {
                c.batch_execute("SELECT 1")?;
                c.batch_execute("COMMIT")
            }
        }
    }

    /// Rolls back. Nothing was promised, so the outcome matters to those only who want to know whether the database still answers.
    pub(crate) fn rollback(&mut self) -> bool {
        let result = match self {
            Self::Sqlite(c) => c.batch_execute("ROLLBACK"),
            #[cfg(feature = "postgres")]
            Self::Postgres(c) => c.batch_execute("ROLLBACK"),
        };
        if let Err(error) = &result {
            tracing::debug!(%error, "rollback");
        }
        result.is_ok()
    }
}
