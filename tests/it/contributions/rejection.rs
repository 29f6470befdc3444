//! A person ends the quarantine of a report: whatever it waits for, it never posts, its rows stay, and a higher version mends it.

use super::book::*;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::service::contributions::rejection::RejectReport;
use safu_ledger::service::contributions::view;
use safu_ledger::service::{Book, Reply};
use safu_ledger::store::error::StoreError;
use serde_json::json;

fn because(reason: &str) -> RejectReport {
    RejectReport { reason: reason.to_owned() }
}

fn reject(book: &Book, report: i64) -> Reply {
    book.reject_report(&fresh(), report, because("sent by mistake")).unwrap()
}

on_both_engines!(every_quarantine_can_be_ended_by_a_person, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    submit(&book, &btc_file("2018-07-14", "1"), "spot-14", 1, None);
    let held = [
        ("conflict", submit(&book, &btc_file("2018-07-14", "2"), "spot-14", 1, None)),
        ("duplicate-natural-keys", submit(&book, &btc_file("2018-07-14", "3"), "spot-14-b", 1, None)),
        ("waiting-for-version", submit(&book, &btc_file("2018-07-14", "4"), "spot-14", 3, Some(2))),
        ("waiting-for-price", submit(&book, &btc_file("2018-07-18", "5"), "spot-18", 1, None)),
    ];
    for (id, (reason, submitted)) in (2_i64..).zip(&held) {
        let before = book.read(|conn| view::report(conn, id)).unwrap();
        assert_eq!((before.item.state.as_str(), before.item.reason.as_str()), ("quarantined", *reason), "{submitted:?}");
        let reply = reject(&book, id);
        assert_eq!(state(&reply), (201, "rejected by-hand".into()));
        assert_eq!((&reply.json()["because"], &reply.json()["moved"]), (&json!("sent by mistake"), &json!([])));

        let after = book.read(|conn| view::report(conn, id)).unwrap();
        let last = after.steps.last().unwrap();
        assert_eq!((last.because.as_deref(), last.by.as_str()), (Some("sent by mistake"), "cli:test"), "{reason}");
        assert_eq!(last.recorded_at.to_string(), "2018-07-20T12:00:00Z");
        assert_eq!(after.steps.len(), before.steps.len() + 1, "its life so far stays");
        assert_eq!(book.read(|conn| view::rows(conn, id, None, 10)).unwrap().items.len(), 1, "its rows stay");
        assert_eq!(state(&reject(&book, id)), (409, "wrong-state".into()), "{reason}: only once");
    }
    assert_eq!(state(&reject(&book, 1)), (409, "wrong-state".into()), "what is posted is restated, not rejected");
    lock(&book, "2018-07-18", "6000", "450");
    assert_eq!(book.release_waiting(&fresh()).unwrap().json(), json!({"released": []}), "rejected is for good");
    assert_eq!(btc_on(&book, RECEIVABLE).0, 10_000_000);
    assert_whole(&book);
});

on_both_engines!(what_a_rejected_report_held_up_moves, |db| {
    let book = small_book(&db);
    assert_eq!(state(&submit(&book, &btc_file("2018-07-15", "1"), "spot-15", 1, None)).1, "quarantined waiting-for-price");
    assert_eq!(state(&submit(&book, &btc_file("2018-07-15", "2"), "spot-15", 2, Some(1))).1, "quarantined waiting-for-version");
    let moved = reject(&book, 1).json()["moved"].clone();
    assert_eq!((&moved[0]["id"], &moved[0]["reason"]), (&json!(2), &json!("waiting-for-price")), "{moved}");
    lock(&book, "2018-07-15", "6000", "450");
    assert_eq!(book.release_waiting(&fresh()).unwrap().json()["released"][0]["state"], "accepted");
    assert_eq!(btc_on(&book, INCOME).0, -20_000_000, "the first version that posts is an accrual, not a restatement");
    assert_whole(&book);
});

on_both_engines!(a_rejected_report_no_longer_speaks_for_its_day, |db| {
    let book = small_book(&db);
    let wrong = btc_file("2018-07-15", "1");
    let first = submit(&book, &wrong, "spot-15", 1, None);
    reject(&book, 1);
    let again = submit(&book, &wrong, "spot-15", 1, None);
    assert_eq!((again.body, again.replayed), (first.body, true), "the same bytes get the first answer, and nothing is revived");
    lock(&book, "2018-07-15", "6000", "450");
    let other = submit(&book, &btc_file("2018-07-16", "7"), "spot-15", 1, None);
    assert_eq!(state(&other), (201, "accepted".into()), "the name and the version are free again");
    let renamed = submit(&book, &btc_file("2018-07-15", "2"), "spot-15-new", 1, None);
    assert_eq!(state(&renamed), (201, "accepted".into()), "so is the day");
    assert_eq!(standing(&book), ["spot-15 v1: rejected by-hand", "spot-15 v1: accepted", "spot-15-new v1: accepted"]);
    assert_whole(&book);
});

on_both_engines!(the_right_one_of_two_contradicting_reports_is_sent_as_a_higher_version, |db| {
    let book = small_book(&db);
    submit(&book, &btc_file("2018-07-15", "1"), "spot-15", 1, None);
    let right = btc_file("2018-07-15", "2");
    assert_eq!(state(&submit(&book, &right, "spot-15", 1, None)), (409, "report-conflict".into()));
    reject(&book, 1);
    lock(&book, "2018-07-15", "6000", "450");
    assert_eq!(book.release_waiting(&fresh()).unwrap().json(), json!({"released": []}), "what was held is never posted silently");
    assert_eq!(state(&submit(&book, &right, "spot-15", 2, Some(1))), (201, "accepted".into()));
    reject(&book, 2);
    assert_eq!(standing(&book), ["spot-15 v1: rejected by-hand", "spot-15 v1: rejected by-hand", "spot-15 v2: accepted"]);
    assert_eq!(btc_on(&book, RECEIVABLE).0, 20_000_000);
    assert_whole(&book);
});

on_both_engines!(a_rejection_needs_a_report_and_a_reason_and_is_recorded_once, |db| {
    let book = small_book(&db);
    submit(&book, &btc_file("2018-07-15", "1"), "spot-15", 1, None);
    for reason in ["", " ", &"x".repeat(501), "a\u{7}b"] {
        let Err(StoreError::Rejected(refused)) = book.reject_report(&fresh(), 1, because(reason)) else {
            panic!("{reason:?} is taken")
        };
        assert_eq!((refused.code, refused.problems[0].pointer.as_str()), (OutcomeCode::InvalidField, "/reason"));
    }
    assert_eq!(state(&reject(&book, 7)), (404, "not-found".into()));
    let dry = book.reject_report(&fresh().dry(true), 1, because("a dry run")).unwrap();
    assert_eq!((dry.status, standing(&book)), (201, vec!["spot-15 v1: quarantined waiting-for-price".to_owned()]));
    let call = fresh();
    let first = book.reject_report(&call, 1, because("once")).unwrap();
    let again = book.reject_report(&call, 1, because("once")).unwrap();
    assert_eq!((again.body, again.replayed), (first.body, true));
    let Err(StoreError::Rejected(other)) = book.reject_report(&call, 1, because("twice")) else { panic!("other content") };
    let pointer = "/fee-report.rejection/ask/reason";
    assert_eq!((other.code, other.problems[0].pointer.as_str()), (OutcomeCode::IdempotencyConflict, pointer));
    assert_whole(&book);
});
