//! What the engines say when they cannot write, each sorted as what it is.

use crate::support::database::TestDb;
use crate::support::server::new_book;
use safu_ledger::store::conn::{Conn, DatabaseUrl};
use safu_ledger::store::error::StoreError;

fn run(conn: &mut Conn, sql: &str) -> Result<(), StoreError> {
    use diesel::connection::SimpleConnection;
    match conn {
        Conn::Sqlite(c) => c.batch_execute(sql)?,
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => c.batch_execute(sql)?,
    }
    Ok(())
}

#[test]
fn sqlite_says_that_it_is_full_or_may_not_write() {
    let db = TestDb::sqlite();
    let mut conn = DatabaseUrl::parse(db.url()).unwrap().connect().unwrap();
    run(&mut conn, "CREATE TABLE t (x BLOB) STRICT; PRAGMA max_page_count = 8").unwrap();
    let full = run(&mut conn, "INSERT INTO t VALUES (zeroblob(1000000))").unwrap_err();
    assert!(matches!(&full, StoreError::Unavailable(text) if text.contains("full")), "{full:?}");
    run(&mut conn, "PRAGMA query_only = ON").unwrap();
    let closed = run(&mut conn, "INSERT INTO t VALUES (zeroblob(1))").unwrap_err();
    assert!(matches!(closed, StoreError::Unavailable(_)), "{closed:?}");
    let folder = tempfile::tempdir().unwrap();
    let gone = DatabaseUrl::parse(&format!("sqlite://{}", folder.path().join("none/book.db").display())).unwrap().connect();
    assert!(matches!(gone.err().unwrap(), StoreError::Unavailable(_)));
    let wrong = run(&mut conn, "INSERT INTO nothing VALUES (1)").unwrap_err();
    assert!(matches!(wrong, StoreError::Database(_)), "a mistake is not a lost database: {wrong:?}");
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_says_that_it_is_gone_or_may_not_write() {
    let Some(db) = TestDb::postgres() else { return };
    let url = DatabaseUrl::parse(db.url()).unwrap();
    let (mut conn, mut other) = (url.connect().unwrap(), url.connect().unwrap());
    run(&mut conn, "CREATE TABLE t (x int); SET default_transaction_read_only = on").unwrap();
    let closed = run(&mut conn, "INSERT INTO t VALUES (1)").unwrap_err();
    assert!(matches!(closed, StoreError::Unavailable(_)), "{closed:?}");
    let wrong = run(&mut conn, "INSERT INTO nothing VALUES (1)").unwrap_err();
    assert!(matches!(wrong, StoreError::Database(_)), "a mistake is not a lost database: {wrong:?}");
    run(
        &mut other,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .unwrap();
    let gone = run(&mut conn, "SELECT 1").unwrap_err();
    assert!(matches!(gone, StoreError::Unavailable(_)), "{gone:?}");
    let nobody = DatabaseUrl::parse("postgres://safu@127.0.0.1:1/none").unwrap().connect();
    assert!(matches!(nobody.err().unwrap(), StoreError::Unavailable(_)));
}

on_both_engines!(a_lost_connection_is_found_by_the_write_that_meets_it, |db| {
    let book = new_book(&db);
    // What a server that ends leaves behind: connections that do not answer. A file has none.
    if db.url().starts_with("postgres") {
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            .unwrap();
    }
    let venue = safu_ledger::service::registry::NewVenue { code: "moon".to_owned(), first_due: "2019-05-01".parse().unwrap() };
    let done = book.add_venue(&safu_ledger::service::Call::fresh("cli:test"), venue).unwrap();
    assert!(done.is_success(), "{done:?}");
    assert_eq!(book.store.why_lost(), None);
});
