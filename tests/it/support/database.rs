//! One empty database per test, on each engine.

use tempfile::TempDir;

/// An empty database of its own; it goes when this is dropped (SQLite) or when the test run ends (PostgreSQL).
pub struct TestDb {
    url: String,
    _folder: Option<TempDir>,
}

impl TestDb {
    /// A database file in a temporary folder; the file does not exist yet.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("book.db").display());
        Self { url, _folder: Some(folder) }
    }

    /// A fresh database in the cluster of this test run; `None`, and said so, where PostgreSQL is missing.
    pub fn postgres() -> Option<Self> {
        #[cfg(feature = "postgres")]
        match super::postgres::fresh_database() {
            Ok(url) => return Some(Self { url, _folder: None }),
            Err(why) => super::left_out("PostgreSQL", &why),
        }
        #[cfg(not(feature = "postgres"))]
        super::left_out("PostgreSQL", "built without it; use `cargo test --features postgres`");
        None
    }

    /// A database that the test itself made room for.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), _folder: None }
    }

    /// What `--database` takes: `sqlite://…` or `postgres://…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement past the product, as a database administrator would.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        use diesel::connection::SimpleConnection;
        let mut conn = safu_ledger::store::conn::DatabaseUrl::parse(&self.url).unwrap().connect().unwrap();
        match &mut conn {
            safu_ledger::store::conn::Conn::Sqlite(c) => c.batch_execute(sql),
            #[cfg(feature = "postgres")]
            safu_ledger::store::conn::Conn::Postgres(c) => c.batch_execute(sql),
        }
        .map_err(|error| error.to_string())
    }
}

/// Puts the key of secrets where there is none by itself: in the book's hand.
pub fn with_secrets(book: safu_ledger::service::Book) -> safu_ledger::service::Book {
    book.with_secrets(safu_ledger::service::secrets::Secrets::given(&"5a".repeat(32)))
}

/// Two tests, `name::sqlite` and `name::postgres`, from one body that is given a [`TestDb`].
///
/// ```ignore
/// on_both_engines!(a_book_opens_empty, |db| {
///     let store = Store::open(db.url()).unwrap();
///     …
/// });
/// ```
macro_rules! on_both_engines {
    ($(#[$meta:meta])* $name:ident, $body:expr) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                let body: fn($crate::support::database::TestDb) = $body;
                body($crate::support::database::TestDb::sqlite());
            }

            #[test]
            fn postgres() {
                let body: fn($crate::support::database::TestDb) = $body;
                if let Some(db) = $crate::support::database::TestDb::postgres() {
                    body(db);
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::TestDb;
    use diesel::prelude::*;
    use diesel::sql_query;

    on_both_engines!(each_test_has_an_empty_database_of_its_own, |db| {
        match db.url().split_once("://") {
            Some(("sqlite", path)) => {
                assert!(!std::path::Path::new(path).exists());
                let mut conn = SqliteConnection::establish(path).unwrap();
                sql_query("CREATE TABLE mark (id INTEGER)").execute(&mut conn).unwrap();
                let other = TestDb::sqlite();
                assert_ne!(other.url(), db.url());
            }
            #[cfg(feature = "postgres")]
            Some(("postgres", _)) => {
                let mut conn = PgConnection::establish(db.url()).unwrap();
                sql_query("CREATE TABLE mark (id INTEGER)").execute(&mut conn).unwrap();
                let other = TestDb::postgres().expect("it was there a moment ago");
                let mut conn = PgConnection::establish(other.url()).unwrap();
                let in_other = sql_query("SELECT * FROM mark").execute(&mut conn);
                assert!(in_other.unwrap_err().to_string().contains("does not exist"));
            }
            other => panic!("{other:?}"),
        }
    });
}
