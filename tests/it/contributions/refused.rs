//! What is wrong with a submission is named by row, field, value and mend, kept where it can be filed, and nothing is posted.

use super::book::*;
use safu_ledger::domain::contribution::rows::{COLUMNS, MAX_ROWS};
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::service::Book;
use safu_ledger::store::error::StoreError;
use safu_ledger::store::fee_report;
use serde_json::Value;

const GOOD: &str = "spot,2018-07-14,BTC-USD,BTC,10,1000000,1000000,1,0,1\n";

fn header() -> String {
    COLUMNS.join(",") + "\n"
}

/// Submits bytes under a manifest of the good file, with the bytes' own hash, count and totals as given.
fn send(book: &Book, bytes: &[u8], change: impl Fn(&mut safu_ledger::domain::contribution::manifest::Manifest)) -> Value {
    let good = format!("{}{GOOD}", header());
    let mut described = manifest(good.as_bytes(), "spot-14", 1, None);
    described.sha256 = safu_ledger::proof::merkle::sha256(bytes);
    change(&mut described);
    book.submit_report(&fresh(), described.to_json().as_bytes(), bytes.to_vec()).unwrap().json()
}

fn first(body: &Value) -> (String, String) {
    let code = body["code"].as_str().unwrap_or_else(|| panic!("not refused: {body}")).to_owned();
    assert!(body["errors"][0]["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{body}");
    (code, body["errors"][0]["pointer"].as_str().unwrap().to_owned())
}

on_both_engines!(hostile_amounts_are_refused_by_row_and_column, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let digits = "1".repeat(40);
    for bad in ["1e5", "1_000", "+1", ".5", "1.", "NaN", &digits, "0.1234567890123456789", "１", "-0", "", " 1", "0x1", "٣"] {
        let bytes = format!("{}spot,2018-07-14,BTC-USD,BTC,10,1000000,1000000,{bad},0,{bad}\n", header());
        let body = send(&book, bytes.as_bytes(), |_| {});
        assert_eq!(first(&body), ("invalid-row".into(), "row 1, column gross_fee".into()), "{bad}");
    }
    let states = standing(&book);
    assert!(states.iter().all(|state| state == "spot-14 v1: rejected invalid-row"), "{states:?}");
    assert_eq!(btc_on(&book, RECEIVABLE).0, 0);
    let good = format!("{}{GOOD}", header());
    let body = send(&book, good.as_bytes(), |_| {});
    assert_eq!(body["state"], "accepted", "a refusal does not stand in the way of the right file");
    assert_whole(&book);
});

on_both_engines!(files_that_are_not_what_they_should_be_name_the_place, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let good = format!("{}{GOOD}", header());
    let cut = good.strip_suffix(",0,1\n").unwrap().to_owned();
    let semicolons = good.replace(',', ";");
    let comma = good.replace(",1,0,1\n", ",1,5,0,1,5\n");
    let bom = format!("\u{feff}{good}");
    let twice = format!("{good}{GOOD}");
    let unknown = good.replace(",BTC,", ",DOGE,");
    let elsewhere = good.replace("2018-07-14", "2018-07-15");
    let wrong_unit = good.replace(",1,0,1\n", ",100000000,0,100000000\n");
    for (bytes, code, pointer) in [
        (cut.as_str(), "invalid-row", "row 1"),
        (&semicolons, "malformed", "header"),
        (&comma, "invalid-row", "row 1"),
        (&bom, "malformed", "row 1"),
        (&twice, "duplicate-row", "row 2, column pair"),
        (&unknown, "unknown-asset", "row 1, column fee_asset"),
        (&elsewhere, "invalid-row", "row 1, column business_date"),
        (&wrong_unit, "totals-mismatch", "/control_totals/BTC"),
        ("", "malformed", "row 1"),
    ] {
        assert_eq!(first(&send(&book, bytes.as_bytes(), |_| {})), (code.to_owned(), pointer.to_owned()), "{bytes}");
    }
    let crlf = good.replace('\n', "\r\n");
    let manifest_says = [
        first(&send(&book, good.as_bytes(), |m| m.row_count = 2)),
        first(&send(&book, good.as_bytes(), |m| m.sha256 = [7; 32])),
        first(&send(&book, good.as_bytes(), |m| m.control_totals.values_mut().for_each(|t| *t = "2".into()))),
        first(&send(&book, wrong_unit.as_bytes(), |m| m.control_totals.values_mut().for_each(|t| *t = "100000000".into()))),
    ];
    let expected = [
        ("row-count-mismatch", "/row_count"),
        ("hash-mismatch", "/sha256"),
        ("totals-mismatch", "/control_totals/BTC"),
        ("rate-outlier", "row 1, column gross_fee"),
    ];
    assert_eq!(manifest_says.map(|(c, p)| [c, p]), expected.map(|(c, p)| [c.to_owned(), p.to_owned()]));
    assert_eq!(btc_on(&book, RECEIVABLE).0, 0);
    assert_eq!(send(&book, crlf.as_bytes(), |_| {})["state"], "accepted", "CRLF is a way to end lines");
    assert_whole(&book);
});

on_both_engines!(what_cannot_be_filed_is_refused_and_what_has_no_policy_is_kept, |db| {
    let book = small_book(&db);
    let rows = file("moon", "2018-07-14", &[("BTC-USD", "BTC", "1", "0", "1")]);
    let reply = submit(&book, &rows, "moon-14", 1, None);
    assert_eq!((reply.status, reply.clone().success().unwrap_err().code), (422, OutcomeCode::UnknownVenue));
    assert!(standing(&book).is_empty());
    let early = submit(&book, &btc_file("2018-07-13", "1"), "spot-13", 1, None);
    assert_eq!(state(&early), (422, "policy-missing".into()));
    assert_eq!(standing(&book), ["spot-13 v1: rejected policy-missing"]);
    let broken = book.submit_report(&fresh(), b"{", rows.clone());
    assert!(matches!(broken, Err(StoreError::Rejected(r)) if r.code == OutcomeCode::Malformed));
    let tomorrow = submit(&book, &btc_file("2018-07-21", "1"), "spot-21", 1, None);
    assert_eq!(first(&tomorrow.json()), ("invalid-field".into(), "/business_date".into()));
    assert_whole(&book);
});

on_both_engines!(failed_rows_are_kept_as_they_stood_in_the_file_and_a_repetition_is_kept_once, |db| {
    let book = small_book(&db);
    let bad = "spot,2018-07-14,ETH-USD,ETH,x,1,1,1,0,1";
    let bytes = format!("{}{GOOD}{bad}\n", header());
    let body = send(&book, bytes.as_bytes(), |_| {});
    assert_eq!(first(&body), ("invalid-row".into(), "row 2, column trades".into()));
    let again = send(&book, bytes.as_bytes(), |_| {});
    assert_eq!(again, body);
    let steps = book.read(|conn| fee_report::steps(conn, body["report"].as_i64().unwrap())).unwrap();
    let problems: Value = serde_json::from_str(&steps[0].problems).unwrap();
    assert_eq!((problems[0]["line"].as_str(), problems[0]["value"].as_str()), (Some(bad), Some("x")));
    assert_eq!(standing(&book).len(), 1);
});

on_both_engines!(more_rows_than_a_report_may_have_are_refused, |db| {
    if std::env::var_os("SAFU_TEST_LARGE").is_none() {
        return;
    }
    let book = small_book(&db);
    let mut bytes = header().into_bytes();
    for n in 0..=MAX_ROWS {
        bytes.extend_from_slice(format!("spot,2018-07-14,P{n}-BTC,BTC,1,9,9,0.1,0,0.1\n").as_bytes());
    }
    let body = send(&book, &bytes, |_| {});
    assert_eq!(first(&body).0, "body-too-large");
    assert_whole(&book);
});
