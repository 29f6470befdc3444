//! The key of secrets: without it nobody's second factor can be read, and it can be changed.

use crate::small_book::{call, opened, person};
use crate::support::database::TestDb;
use jiff::SignedDuration;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::service::Book;
use safu_ledger::service::identity::Visitor;
use safu_ledger::service::identity::invite::Enrolment;
use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::service::secrets::Secrets;
use safu_ledger::store::identity::{CredentialRow, credentials, put_credential};
use std::process::{Command, Output};

const PASSWORD: &str = "four plain words here";

fn enrol(book: &Book, login: &str) -> Secret {
    person(book, login, &["preparer"]);
    let token = book.invite(&call(), login).unwrap();
    let secret = Secret::fresh().unwrap();
    let code = code(book, &secret);
    let (login, name) = (login.to_owned(), login.to_owned());
    let chosen = Enrolment { login, name, password: PASSWORD.to_owned(), secret: secret.clone(), code };
    book.enrol(&Visitor::default(), &token, chosen).unwrap();
    secret
}

/// The code of the next minute.
fn code(book: &Book, secret: &Secret) -> String {
    book.clock.set(book.clock.now() + SignedDuration::from_secs(60));
    secret.code(step_at(book.clock.now()))
}

fn log_in(book: &Book, login: &str, secret: &Secret) -> Result<String, (OutcomeCode, String)> {
    let code = code(book, secret);
    book.log_in(&Visitor::default(), login, PASSWORD, &code, None).map_err(|error| {
        let refused = error.into_rejection();
        (refused.code, refused.to_string())
    })
}

on_both_engines!(a_second_factor_stands_sealed_for_its_person_under_its_key, |db| {
    let book = opened(&db);
    let (paula, peter) = (enrol(&book, "paula"), enrol(&book, "peter"));
    log_in(&book, "paula", &paula).unwrap();
    let rows = book.read(credentials).unwrap();
    for (row, secret) in rows.iter().zip([&paula, &peter]) {
        assert!(!row.totp.windows(8).any(|part| part == &secret.bytes()[..8]), "a secret stands in the clear");
    }
    assert_eq!(book.check_secrets().unwrap(), 2);
    let other = book.clone().with_secrets(Secrets::given(&"11".repeat(32)));
    let (code, why) = log_in(&other, "paula", &paula).unwrap_err();
    assert_eq!(code, OutcomeCode::Unavailable);
    assert!(why.contains("SAFU_SECRETS_KEY_FILE"), "{why}");
    assert_eq!(other.store.why_lost(), None, "a key that is not at hand does not stop the book");
    assert!(other.check_secrets().is_err() && other.require_secrets().is_ok(), "another key begins anew");
    // The new key in front, then sealed anew, then the old one away.
    let both = book.clone().with_secrets(Secrets::given(&format!("{},{}", "11".repeat(32), "5a".repeat(32))));
    assert_eq!(both.rotate_secrets().unwrap(), 2);
    log_in(&other, "paula", &paula).unwrap();
    assert_eq!(log_in(&book, "paula", &paula).unwrap_err().0, OutcomeCode::Unavailable, "the key before opens nothing");
    let lost = book.clone().with_secrets(Secrets::Nowhere);
    assert!(lost.require_secrets().is_err());
    // As a database administrator would: the device of one person for another.
    let rows = other.read(credentials).unwrap();
    let moved = CredentialRow { totp: rows[1].totp.clone(), ..rows[0].clone() };
    other.store.write(move |conn| put_credential(conn, &moved)).unwrap();
    assert_eq!(log_in(&other, "paula", &peter).unwrap_err().0, OutcomeCode::Internal);
});

fn safu(db: &TestDb, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safu"));
    command.args(args).env("SAFU_DATABASE_URL", db.url()).env_remove("SAFU_SECRETS_KEY").output().unwrap()
}

#[test]
fn the_key_file_is_made_with_the_book_and_changed_without_losing_anybody() {
    use std::os::unix::fs::PermissionsExt;
    let db = TestDb::sqlite();
    assert!(safu(&db, &["init"]).status.success());
    let file = format!("{}.key", db.url().strip_prefix("sqlite://").unwrap());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let url = safu_ledger::store::conn::DatabaseUrl::parse(db.url()).unwrap();
    let clock = safu_ledger::service::clock::Clock::simulated("2019-01-03T12:00:00Z".parse().unwrap());
    let book = safu_ledger::service::init::open(&url, clock).unwrap();
    let paula = enrol(&book, "paula");
    let before = std::fs::read_to_string(&file).unwrap();
    assert!(safu(&db, &["secrets", "check"]).status.success());
    let rotated = safu(&db, &["secrets", "rotate"]);
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let after = std::fs::read_to_string(&file).unwrap();
    assert_eq!((after.lines().count(), after == before), (1, false));
    log_in(&book, "paula", &paula).expect("a server that runs reads the file anew");
    std::fs::rename(&file, format!("{file}.away")).unwrap();
    for args in [&["secrets", "check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let refused = safu(&db, args);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("book.db.key"), "{args:?}: {said}");
    }
    let made = safu(&db, &["secrets", "make"]);
    assert!(made.status.success());
    assert!(!safu(&db, &["secrets", "check"]).status.success(), "another key opens nothing");
}
