//! Contributions stop while the fund is worth enough: decided once for a venue and a day, for reports as a whole and for single
//! events, by what the book held then.

use super::book::*;
use safu_ledger::service::contributions::events::EventFeed;
use safu_ledger::service::contributions::stop::recorded;
use safu_ledger::service::contributions::view;
use safu_ledger::service::policies::{ContributionTerms, CoveragePolicy};
use safu_ledger::service::registry::NewWallet;
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent, Units};
use safu_ledger::service::{Book, Reply};
use safu_ledger::store::contribution;
use serde_json::json;

/// A book whose policy from 2018-07-14 stops at this, with 10 BTC at 6,000 from that day on.
fn stopping_book(db: &crate::support::database::TestDb, stop_at: &str) -> Book {
    let book = small_book(db);
    stop(&book, Some(stop_at));
    lock(&book, "2018-07-14", "6000", "450");
    book.add_wallet(&fresh(), NewWallet::new("cold", 1110, "")).unwrap();
    receive(&book, "BTC", "10");
    book
}

fn stop(book: &Book, stop_at: Option<&str>) {
    let terms = ContributionTerms { stop_at: stop_at.map(str::to_owned), ..ContributionTerms::of_all_venues("0.1") };
    book.set_contribution_policy(&fresh(), day("2018-07-14"), terms).unwrap().success().unwrap();
}

fn receive(book: &Book, asset: &str, quantity: &str) {
    let receipts = vec![Units::new("cold", asset, quantity)];
    let capital = TreasuryCommand::new(day("2018-07-14"), TreasuryEvent::SponsorCapital { receipts });
    book.post_treasury(&fresh(), capital).unwrap().success().unwrap();
}

fn btc_report(book: &Book, on: &str, net: &str, version: u32) -> Reply {
    submit(book, &btc_file(on, net), &format!("spot-{on}"), version, version.checked_sub(1).filter(|before| *before > 0))
}

fn events(feed: &EventFeed, on: &str, ids: &[&str]) -> Reply {
    let event = |id: &&str| json!({"external_id": id, "venue": "spot", "business_date": on, "fee_asset": "BTC", "net_fee": "1"});
    let events: Vec<_> = ids.iter().map(event).collect();
    feed.submit_and_wait(fresh(), json!(events).to_string().as_bytes()).unwrap()
}

on_both_engines!(at_its_stop_the_fund_is_owed_nothing_for_a_whole_report, |db| {
    let book = stopping_book(&db, "60000");
    let reply = btc_report(&book, "2018-07-14", "5", 1);
    assert_eq!(state(&reply), (201, "accepted contributions-stopped".into()));
    assert_eq!((&reply.json()["contributions"], &reply.json()["entry"]), (&json!({"BTC": "0"}), &json!(null)));
    assert_eq!(btc_on(&book, RECEIVABLE).0, 0);
    let shown = book.read(|conn| view::report(conn, 1)).unwrap();
    let decision = json!({"stop_at": "60000", "fund_value": "60000", "price_set": "2018-07-14", "stopped": true});
    assert_eq!(json!(shown.stop), decision, "what was measured is kept");
    assert_eq!(shown.share.as_deref(), Some("0"));

    // A cent short of the stop everything is owed.
    stop(&book, Some("60000.01"));
    let reply = btc_report(&book, "2018-07-15", "5", 1);
    assert_eq!((state(&reply), &reply.json()["contributions"]), ((201, "accepted".into()), &json!({"BTC": "0.5"})));
    assert!(!book.read(|conn| recorded(conn, "spot", day("2018-07-15"))).unwrap().unwrap().stopped);
    // What is owed is no part of what the fund is worth.
    assert_eq!(state(&btc_report(&book, "2018-07-16", "5", 1)).1, "accepted");
    assert_whole(&book);
});

on_both_engines!(what_was_decided_for_a_day_holds_for_its_versions, |db| {
    let book = stopping_book(&db, "60000");
    btc_report(&book, "2018-07-14", "5", 1);
    stop(&book, Some("70000"));
    btc_report(&book, "2018-07-15", "5", 1);
    receive(&book, "BTC", "2");
    let restated = btc_report(&book, "2018-07-15", "8", 2);
    assert_eq!((state(&restated).1, &restated.json()["contributions"]), ("accepted".into(), &json!({"BTC": "0.8"})));
    assert_eq!(state(&btc_report(&book, "2018-07-14", "9", 2)).1, "accepted contributions-stopped");
    assert_eq!(state(&btc_report(&book, "2018-07-16", "5", 1)).1, "accepted contributions-stopped", "12 BTC are worth 72,000");
    assert_eq!(btc_on(&book, RECEIVABLE).0, 80_000_000);
    // What accrued under a policy without a stop is not taken back by a restatement under one with it.
    let futures = |net: &str| file("futures", "2018-07-14", &[("BTC-USD", "BTC", net, "0", net)]);
    stop(&book, None);
    submit(&book, &futures("1"), "futures-14", 1, None);
    stop(&book, Some("1"));
    let restated = submit(&book, &futures("2"), "futures-14", 2, Some(1));
    assert_eq!(restated.json()["contributions"], json!({"BTC": "0.2"}));
    assert_whole(&book);
});

on_both_engines!(single_events_stop_by_venue_and_day, |db| {
    let book = stopping_book(&db, "60000");
    let feed = EventFeed::start(&book).unwrap();
    let recorded_facts = |on: &str| book.read(|conn| recorded(conn, "spot", day(on))).unwrap().map(|decision| decision.stopped);
    let dry = feed.submit_and_wait(
        fresh().dry(true),
        br#"[{"external_id":"d","venue":"spot","business_date":"2018-07-14","fee_asset":"BTC","net_fee":"1"}]"#,
    );
    assert_eq!((dry.unwrap().status, recorded_facts("2018-07-14")), (201, None), "a dry run decides nothing for others");
    let first = events(&feed, "2018-07-14", &["a", "b"]);
    assert_eq!(first.json(), json!({"accepted": 2, "known": 0, "batch": 1, "entries": []}));
    assert_eq!(events(&feed, "2018-07-14", &["c"]).json()["entries"], json!([]), "also from what the feed still knows");
    assert_eq!(recorded_facts("2018-07-14"), Some(true));
    stop(&book, Some("70000"));
    assert_eq!(events(&feed, "2018-07-14", &["d"]).json()["entries"], json!([]), "the day is decided");
    assert_eq!(state(&btc_report(&book, "2018-07-14", "5", 1)).1, "accepted contributions-stopped", "for reports too");
    assert_eq!(events(&feed, "2018-07-15", &["e"]).json()["entries"].as_array().unwrap().len(), 1);
    receive(&book, "BTC", "2");
    assert_eq!(events(&feed, "2018-07-15", &["f"]).json()["entries"].as_array().unwrap().len(), 1);
    assert_eq!(events(&feed, "2018-07-16", &["g"]).json()["entries"], json!([]));
    let amounts: Vec<i128> = book.read(|conn| contribution::page(conn, 1, 10)).unwrap().iter().map(|row| row.amount.0).collect();
    assert_eq!(amounts, [0, 0, 0, 0, 10_000_000, 10_000_000, 0]);
    assert_whole(&book);
});

on_both_engines!(the_target_is_that_of_the_coverage_policy, |db| {
    let book = stopping_book(&db, "target");
    assert_eq!(state(&btc_report(&book, "2018-07-14", "5", 1)).1, "accepted", "no target, no stop");
    let policy: CoveragePolicy = serde_json::from_value(json!({"target": "50000"})).unwrap();
    book.set_coverage_policy(&fresh(), day("2018-07-15"), policy).unwrap().success().unwrap();
    assert_eq!(state(&btc_report(&book, "2018-07-15", "5", 1)).1, "accepted contributions-stopped");
    assert_whole(&book);
});

on_both_engines!(a_fund_that_cannot_be_valued_makes_reports_wait, |db| {
    let book = stopping_book(&db, "60000");
    // Dollars need no price, but what the fund holds does.
    let dollars = file("futures", "2018-07-18", &[("BTC-USD", "USD", "100", "0", "100")]);
    let reply = submit(&book, &dollars, "futures-18", 1, None);
    assert_eq!(state(&reply), (202, "quarantined waiting-for-price".into()));
    let feed = EventFeed::start(&book).unwrap();
    let event = json!([{"external_id": "a", "venue": "spot", "business_date": "2018-07-18", "fee_asset": "USD", "net_fee": "1"}]);
    let refused = feed.submit_and_wait(fresh(), event.to_string().as_bytes()).unwrap();
    assert_eq!(state(&refused), (422, "price-stale".into()));
    lock(&book, "2018-07-18", "5000", "450");
    let released = book.release_waiting(&fresh()).unwrap().json();
    assert_eq!(released["released"][0]["state"], "accepted", "10 BTC are worth 50,000 now: {released}");
    assert_whole(&book);
});

on_both_engines!(a_stop_is_an_amount_or_the_target, |db| {
    let book = small_book(&db);
    for bad in ["0", "-1", "much", "1e9"] {
        let terms = ContributionTerms { stop_at: Some(bad.into()), ..ContributionTerms::of_all_venues("0.1") };
        let refused = book.set_contribution_policy(&fresh(), day("2018-07-14"), terms);
        assert!(refused.is_err_and(|error| error.to_string().contains("/stop_at")), "{bad}");
    }
});
