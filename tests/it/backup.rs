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

/// As a database administrator would.
fn edit(file: &Path) {
    use diesel::connection::{Connection, SimpleConnection};
    let mut conn = diesel::sqlite::SqliteConnection::establish(&file.display().to_string()).unwrap();
    conn.batch_execute("DROP TRIGGER posting_no_update; UPDATE posting SET value = value || '0' WHERE value <> '0'").unwrap();
}
