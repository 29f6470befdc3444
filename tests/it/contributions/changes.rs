//! What a restatement changed, row by row: short differences are listed, of long ones it is said what is left off, and all of it
//! can be had as CSV.

use super::book::*;
use safu_ledger::service::Book;
use safu_ledger::service::contributions::changes::{MAX_COMPARED, MAX_LISTED, RestatementView, changed_rows_csv, restatement};
use safu_ledger::store::error::StoreError;

/// A day with this many pairs, of which the first `dear` have a fee of 2 instead of 1.
fn rows(pairs: usize, dear: usize) -> Vec<u8> {
    let pairs: Vec<String> = (0..pairs).map(|no| format!("P{no}-USD")).collect();
    let fee = |no| if no < dear { "2" } else { "1" };
    let rows: Vec<_> = pairs.iter().enumerate().map(|(no, pair)| (pair.as_str(), "USD", fee(no), "0", fee(no))).collect();
    file("spot", "2018-07-14", &rows)
}

/// Two versions of that day; the second is report 2.
fn restate(book: &Book, pairs: usize, dear: usize) -> (RestatementView, String) {
    assert_eq!(submit(book, &rows(pairs, 0), "spot-14", 1, None).status, 201);
    assert_eq!(submit(book, &rows(pairs + 1, dear), "spot-14", 2, Some(1)).status, 201);
    book.read(|conn| Ok((restatement(conn, 2)?.unwrap(), changed_rows_csv(conn, 2)?))).unwrap()
}

on_both_engines!(a_long_difference_says_how_many_rows_it_leaves_off, |db| {
    let book = small_book(&db);
    let (view, csv) = restate(&book, 1_500, 1_200);
    assert_eq!((view.rows.len(), view.rows_changed, view.rows_left_off), (MAX_LISTED, Some(1_201), Some(201)));
    let words = view.left_off.unwrap();
    assert!(words.contains("201 of the 1201 rows") && words.contains("show 2 --changed-rows"), "{words}");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 1_201, "the export leaves nothing off");
    assert_eq!(lines[1], "changed,P0-USD,USD,10,10,1000000,1000000,1000000,1000000,1,2,0,0,1,2");
    assert_eq!(lines[1_201], "added,P1500-USD,USD,,10,,1000000,,1000000,,1,,0,,1");
    let none = book.read(|conn| changed_rows_csv(conn, 1));
    assert!(matches!(none, Err(StoreError::Rejected(refused)) if refused.code.slug() == "wrong-state"));
});

on_both_engines!(versions_too_long_to_be_compared_say_so_and_are_exported_whole, |db| {
    let book = small_book(&db);
    let many = usize::try_from(MAX_COMPARED).unwrap();
    let (view, csv) = restate(&book, many, 2);
    assert_eq!((view.rows.len(), view.rows_changed, view.rows_left_off), (0, None, None));
    assert_eq!(view.contributions[0].difference, "0.3", "what it changed for the fund is told all the same");
    assert!(view.left_off.unwrap().contains("20001 of them"));
    assert_eq!(csv.lines().count(), 1 + 3);
    let safu = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_safu"));
        let done = command.args(["--database", db.url(), "contributions", "show", "2"]).args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    assert_eq!(safu(&["--changed-rows"]), csv);
    let shown = safu(&[]);
    assert!(shown.contains("rows not compared") && shown.contains("show 2 --changed-rows"), "{shown}");
});
