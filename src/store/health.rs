//! What can be told of a database without knowing the book: how the engine is set, which triggers guard it, where its tables end.

use super::conn::{Conn, DatabaseUrl, Engine, on_each};
use super::error::StoreError;
use super::schema::{entry, log_leaf};
use diesel::connection::SimpleConnection;
use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// The triggers that a whole set has, as the migrations make them.
const SQLITE_TRIGGERS: &str = include_str!("../../migrations/sqlite-triggers/00000000000002_append_only/up.sql");
const POSTGRES_TRIGGERS: &str = include_str!("../../migrations/postgres-triggers/00000000000002_append_only/up.sql");

/// A setting of the engine, and what it must be for an answer to be durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub found: String,
    /// What it may be.
    pub wanted: &'static [&'static str],
}

#[derive(QueryableByName)]
struct OneText {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct OneNumber {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn texts(conn: &mut Conn, sql: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<OneText> = on_each!(conn, c => diesel::sql_query(sql).load(c))?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}

fn number(conn: &mut Conn, sql: &str) -> Result<i64, StoreError> {
    let row: OneNumber = on_each!(conn, c => diesel::sql_query(sql).get_result(c))?;
    Ok(row.number)
}

/// The settings that durability and integrity hang on, as they are in force on this connection.
pub fn settings(conn: &mut Conn) -> Result<Vec<Setting>, StoreError> {
    let asked: [(&str, &str, &'static [&'static str]); 3] = match conn.engine() {
        Engine::Sqlite => [
            ("journal_mode", "SELECT journal_mode AS text FROM pragma_journal_mode", &["wal"]),
            ("synchronous", "SELECT CAST(synchronous AS TEXT) AS text FROM pragma_synchronous", &["2", "3"]),
            ("foreign_keys", "SELECT CAST(foreign_keys AS TEXT) AS text FROM pragma_foreign_keys", &["1"]),
        ],
        Engine::Postgres => [
            ("fsync", "SELECT current_setting('fsync') AS text", &["on"]),
            (
                "synchronous_commit",
                "SELECT current_setting('synchronous_commit') AS text",
                &["on", "local", "remote_write", "remote_apply"],
            ),
            ("full_page_writes", "SELECT current_setting('full_page_writes') AS text", &["on"]),
        ],
    };
    let mut settings = Vec::with_capacity(asked.len());
    for (name, sql, wanted) in asked {
        let found = texts(conn, sql)?.pop().unwrap_or_default();
        settings.push(Setting { name, found, wanted });
    }
    Ok(settings)
}

/// The engine with its version.
pub fn version(conn: &mut Conn) -> Result<String, StoreError> {
    let (name, sql) = match conn.engine() {
        Engine::Sqlite => ("SQLite", "SELECT sqlite_version() AS text"),
        Engine::Postgres => ("PostgreSQL", "SELECT current_setting('server_version') AS text"),
    };
    Ok(format!("{name} {}", texts(conn, sql)?.pop().unwrap_or_default()))
}

/// Which append-only triggers are missing, and how many there are in a whole set.
pub fn missing_triggers(conn: &mut Conn) -> Result<(Vec<&'static str>, usize), StoreError> {
    let (made_by, sql) = match conn.engine() {
        Engine::Sqlite => (SQLITE_TRIGGERS, "SELECT name AS text FROM sqlite_master WHERE type = 'trigger'"),
        Engine::Postgres => {
            (POSTGRES_TRIGGERS, "SELECT tgname::text AS text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')")
        }
    };
    let there = texts(conn, sql)?;
    let all: Vec<&'static str> = made_by
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE TRIGGER "))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    let missing = all.iter().filter(|name| !there.iter().any(|other| other == *name)).copied().collect();
    Ok((missing, all.len()))
}

/// Where the tables end that the head speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends {
    /// Leaves of the log.
    pub leaves: i64,
    /// Number of the last leaf, from 0.
    pub last_leaf: Option<i64>,
    /// Number of the last entry.
    pub last_entry: Option<i64>,
    /// When the last entry was recorded, microseconds since 1970.
    pub recorded_at: Option<i64>,
}

/// Reads where the tables end.
pub fn ends(conn: &mut Conn) -> Result<Ends, StoreError> {
    Ok(Ends {
        leaves: log_leaf::table.select(count_star()).first(conn)?,
        last_leaf: log_leaf::table.select(max(log_leaf::idx)).first(conn)?,
        last_entry: entry::table.select(max(entry::no)).first(conn)?,
        recorded_at: entry::table.select(entry::recorded_at).order(entry::no.desc()).first(conn).optional()?,
    })
}

/// Takes the lock of a write and gives it back: fails where the database is read-only or somebody keeps it locked.
pub fn try_write(conn: &mut Conn) -> Result<(), StoreError> {
    let begun = conn.begin_write().map_err(StoreError::classify);
    conn.rollback();
    begun
}

/// Bytes that a try writes: enough to need room on a disk.
const PROBE_BYTES: usize = 256 << 10;

/// Writes something that is not kept, over a connection of its own, and fails where a command would. On SQLite it really goes to the disk: with
/// a small cache the pages spill into the write-ahead log, where the rollback leaves them without a commit mark.
pub fn probe_write(url: &DatabaseUrl) -> Result<(), StoreError> {
    let mut conn = url.connect()?;
    match &mut conn {
        Conn::Sqlite(c) => c.batch_execute("PRAGMA cache_size = 10; PRAGMA cache_spill = 1;")?,
        #[cfg(feature = "postgres")]
        Conn::Postgres(_) => {}
    }
    conn.begin_write()?;
    let written = match &mut conn {
        Conn::Sqlite(c) => c.batch_execute(&format!(
            "CREATE TABLE safu_probe (filler BLOB) STRICT; INSERT INTO safu_probe VALUES (zeroblob({PROBE_BYTES}));"
        )),
        // The role of the product need not be allowed to make tables, so a row that is there is written.
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => c.batch_execute("UPDATE head SET version = version WHERE id = 1"),
    };
    conn.rollback();
    Ok(written?)
}

/// The clock of the database's server, microseconds since 1970; SQLite has none of its own.
pub fn server_clock(conn: &mut Conn) -> Result<Option<i64>, StoreError> {
    match conn.engine() {
        Engine::Sqlite => Ok(None),
        Engine::Postgres => number(conn, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS number").map(Some),
    }
}

/// Bytes that the database takes.
pub fn size(conn: &mut Conn) -> Result<i64, StoreError> {
    match conn.engine() {
        Engine::Sqlite => number(conn, "SELECT page_count * page_size AS number FROM pragma_page_count, pragma_page_size"),
        Engine::Postgres => number(conn, "SELECT pg_database_size(current_database()) AS number"),
    }
}

/// Bytes that are free where a SQLite book lies; unknown for a server, and on systems that do not tell.
pub fn free_space(url: &DatabaseUrl) -> Option<u64> {
    let path = std::fs::canonicalize(url.path()?).ok()?;
    free_in(path.parent()?)
}

#[cfg(unix)]
fn free_in(folder: &std::path::Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
const fn free_in(_: &std::path::Path) -> Option<u64> {
    None
}
