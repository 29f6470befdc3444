//! What an operator runs beside the book: the doctor, completions, manual pages.

use crate::story::book::new_book;
use crate::support::database::TestDb;
use serde_json::Value as Json;
use std::process::{Command, Output};

fn safu(database: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safu"));
    command.args(["--database", database]).args(args).env("NO_COLOR", "1").output().unwrap()
}

/// The state of each check, and the exit code.
fn doctor(database: &str) -> (Vec<(String, String)>, i32) {
    let output = safu(database, &["--json", "doctor"]);
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["tables"][0]["rows"].as_array().unwrap().iter();
    let text = |row: &Json, key: &str| row["cells"][key].as_str().unwrap().to_owned();
    (rows.map(|row| (text(row, "check"), text(row, "state"))).collect(), output.status.code().unwrap())
}

fn state_of<'c>(checks: &'c [(String, String)], name: &str) -> &'c str {
    checks.iter().find(|(check, _)| check == name).map_or("", |(_, state)| state)
}

on_both_engines!(the_doctor_finds_what_is_wrong_with_a_new_book_and_nothing_else, |db| {
    drop(new_book(&db));
    let (checks, code) = doctor(db.url());
    assert!(checks.len() >= 10, "{checks:?}");
    // The disk of a server is not to be seen from here, and that of this machine may be nearly full.
    let mut wrong: Vec<&str> = checks.iter().filter(|(_, state)| state != "good").map(|(name, _)| name.as_str()).collect();
    wrong.retain(|name| *name != "disk");
    if db.url().starts_with("sqlite") {
        assert_eq!((wrong, code), (vec![], 0), "{checks:?}");
        let words = String::from_utf8(safu(db.url(), &["doctor"]).stdout).unwrap();
        assert!(words.contains("Nothing needs to be mended."), "{words}");
    } else {
        // The server of the tests does without what keeps data through a loss of power.
        assert_eq!((wrong, code), (vec!["fsync", "full_page_writes"], 4), "{checks:?}");
    }
});

#[test]
fn the_doctor_names_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("none.db").display());
    let (checks, code) = doctor(&url);
    assert_eq!((state_of(&checks, "database"), checks.len(), code), ("bad", 1, 4));

    std::fs::write(folder.path().join("none.db"), "").unwrap();
    let (checks, code) = doctor(&url);
    assert_eq!((state_of(&checks, "schema"), code), ("bad", 4));
}

#[test]
fn the_doctor_sees_a_trigger_taken_away_and_a_head_that_was_moved() {
    let db = TestDb::sqlite();
    drop(new_book(&db));
    let file = rusqlite::Connection::open(db.url().trim_start_matches("sqlite://")).unwrap();
    file.execute_batch("DROP TRIGGER entry_no_delete").unwrap();
    let (checks, code) = doctor(db.url());
    assert_eq!((state_of(&checks, "triggers"), state_of(&checks, "head"), code), ("bad", "good", 4));

    file.execute_batch("UPDATE head SET last_entry = last_entry + 1").unwrap();
    let (checks, code) = doctor(db.url());
    assert_eq!((state_of(&checks, "head"), code), ("bad", 4));
}

#[test]
fn a_book_without_triggers_is_pointed_out_but_works() {
    let db = TestDb::sqlite();
    assert!(safu(db.url(), &["init", "--no-triggers"]).status.success());
    let (checks, code) = doctor(db.url());
    assert_eq!((state_of(&checks, "triggers"), code), ("look", 0));
    assert!(safu(db.url(), &["migrate"]).status.success());
    assert_eq!(state_of(&doctor(db.url()).0, "triggers"), "good");
}

#[test]
fn completions_and_manual_pages_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(safu("none", &["completions", shell]).stdout).unwrap();
        assert!(script.contains("recoveries") && script.contains("idempotency-key"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = safu("none", &["man", folder.path().to_str().unwrap()]);
    assert!(output.status.success());
    for page in ["safu.1", "safu-claims-import.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}
