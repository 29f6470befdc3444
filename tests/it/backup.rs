//! A backup is whole and verified, made while the book is in use, and becomes a book again.

use crate::small_book::{self, call, done};
use crate::support::database::TestDb;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::service::backup::{backup, restore};
use safu_ledger::service::clock::Clock;
use safu_ledger::service::init;
use safu_ledger::service::verify::verify;
use safu_ledger::store::conn::DatabaseUrl;
use serde_json::json;
use std::path::Path;

fn url(path: &Path) -> DatabaseUrl {
    DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap()
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_book_in_use_is_backed_up_and_becomes_a_book_again() {
    let db = TestDb::sqlite();
    let book = small_book::full(&db);
    let token = book.invite_first_administrator("cli:test").unwrap();
    assert!(!token.is_empty());
    db.execute("DELETE FROM invitation WHERE person IS NOT NULL; INSERT INTO session VALUES (x'00', 1, 0, 0, NULL, 0, '', '')")
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, again) = (folder.path().join("backup.db"), folder.path().join("again.db"));
    let from = DatabaseUrl::parse(db.url()).unwrap();
    let (verdict, written) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for code in 0..50 {
                let asset = json!({"code": format!("T{code}"), "network": "test", "scale": 8});
                done(book.add_asset(&call(), serde_json::from_value(asset).unwrap()));
            }
        });
        let verdict = backup(&from, &file).unwrap();
        (verdict, writer.join())
    });
    written.unwrap();
    assert!(verdict.is_good() && verdict.counts.entries > 8, "{verdict:?}");
    assert_eq!(files(folder.path()), 1, "nothing is left beside the backup");
    let restored = restore(&file, &url(&again)).unwrap();
    assert_eq!((restored.log_size, &restored.log_root), (verdict.log_size, &verdict.log_root));
    assert_eq!(access(&file), (1, 1), "the backup is whole");
    assert_eq!(access(&again), (0, 0), "what was ended since must not come to life again");
    let copy = init::open(&url(&again), Clock::System).unwrap();
    done(copy.add_account(&call(), serde_json::from_value(json!({"no": 5215, "name": "Custody"})).unwrap()));
}

#[test]
fn nothing_is_overwritten_and_what_differs_is_not_restored() {
    let db = TestDb::sqlite();
    drop(small_book::full(&db));
    let folder = tempfile::tempdir().unwrap();
    let (file, again) = (folder.path().join("backup.db"), folder.path().join("again.db"));
    let from = DatabaseUrl::parse(db.url()).unwrap();
    backup(&from, &file).unwrap();
    let twice = backup(&from, &file).unwrap_err().into_rejection();
    assert_eq!(twice.code, OutcomeCode::AlreadyExists);
    assert_eq!(restore(&file, &from).unwrap_err().into_rejection().code, OutcomeCode::AlreadyExists, "the book stays");
    let missing = restore(&folder.path().join("none.db"), &url(&again)).unwrap_err().into_rejection();
    assert_eq!(missing.code, OutcomeCode::BookMissing);
    edit(&file);
    assert!(!restore(&file, &url(&again)).unwrap().is_good());
    assert!(!again.exists(), "a book that differs from its log is not restored");
    assert!(verify(&init::open(&from, Clock::System).unwrap()).unwrap().is_good());
}

/// Sessions and invitations that stand in a book.
fn access(file: &Path) -> (i64, i64) {
    let conn = rusqlite::Connection::open(file).unwrap();
    let count = |table: &str| conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    (count("session"), count("invitation"))
}

/// As a database administrator would.
fn edit(file: &Path) {
    use diesel::connection::{Connection, SimpleConnection};
    let mut conn = diesel::sqlite::SqliteConnection::establish(&file.display().to_string()).unwrap();
    conn.batch_execute("DROP TRIGGER posting_no_update; UPDATE posting SET value = value || '0' WHERE value <> '0'").unwrap();
}

/// As documented for PostgreSQL: the dump is one state of the book, and a database that it is restored into is the same book.
#[cfg(feature = "postgres")]
#[test]
fn a_dump_of_a_postgres_book_in_use_becomes_the_same_book_again() {
    use crate::support::postgres::shared;
    let Some(db) = TestDb::postgres() else { return };
    let book = small_book::full(&db);
    let cluster = shared().unwrap();
    let folder = tempfile::tempdir_in(cluster.folder()).unwrap();
    cluster.give(folder.path());
    let (file, again) = (folder.path().join("book.dump"), cluster.database());
    let run = |program: &str, args: &[&str]| {
        let done = cluster.command(program).args(args).output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for code in 0..30 {
                let asset = json!({"code": format!("T{code}"), "network": "test", "scale": 8});
                done(book.add_asset(&call(), serde_json::from_value(asset).unwrap()));
            }
        });
        run("pg_dump", &["--format=custom", "--file", file.to_str().unwrap(), "--dbname", db.url()]);
        writer.join().unwrap();
    });
    run("pg_restore", &["--exit-on-error", "--no-owner", "--dbname", &again, file.to_str().unwrap()]);
    let restored = verify(&init::open(&DatabaseUrl::parse(&again).unwrap(), Clock::System).unwrap()).unwrap();
    assert!(restored.is_good() && restored.counts.entries > 8, "{restored:?}");
    // The dump is the state of one moment while others wrote; what is dumped in peace is all of it, to the same root.
    let (quiet, whole) = (folder.path().join("quiet.dump"), cluster.database());
    run("pg_dump", &["--format=custom", "--file", quiet.to_str().unwrap(), "--dbname", db.url()]);
    run("pg_restore", &["--exit-on-error", "--no-owner", "--dbname", &whole, quiet.to_str().unwrap()]);
    let (own, copy) =
        (verify(&book).unwrap(), verify(&init::open(&DatabaseUrl::parse(&whole).unwrap(), Clock::System).unwrap()).unwrap());
    assert!(copy.is_good(), "{copy:?}");
    assert_eq!((copy.log_size, &copy.log_root), (own.log_size, &own.log_root));
    assert!(restored.log_size <= own.log_size);
    let missing = book.read(safu_ledger::store::health::missing_triggers).unwrap();
    let after = init::open(&DatabaseUrl::parse(&whole).unwrap(), Clock::System).unwrap();
    assert_eq!(after.read(safu_ledger::store::health::missing_triggers).unwrap(), missing, "triggers come along");
}
