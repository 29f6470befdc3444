//! What is due and what is open: the calendar and the ageing, and lists with their cursors.

use super::book::*;
use safu_ledger::domain::contribution::calendar::DayState;
use safu_ledger::service::contributions::ageing::{AssetAgeing, ageing, open as open_dates};
use safu_ledger::service::contributions::calendar::calendars;
use safu_ledger::service::contributions::changes;
use safu_ledger::service::contributions::view::{self, ReportFilter};
use safu_ledger::service::registry::NewWallet;
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent, Units};
use safu_ledger::service::{Book, Call};

on_both_engines!(each_day_of_a_venue_stands_as_its_reports_do, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-15", "6000", "450");
    book.clock.set("2018-07-16T01:00:00Z".parse().unwrap());
    submit_now(&book, "2018-07-15", "1", 1);
    book.clock.set("2018-07-20T12:00:00Z".parse().unwrap());
    submit_now(&book, "2018-07-16", "1", 1);
    submit_now(&book, "2018-07-17", "1", 1);
    submit_now(&book, "2018-07-17", "3", 3);
    submit_now(&book, "2018-07-18", "1", 1);
    let now = book.clock.now();
    let found = book.read(|conn| calendars(conn, Some("spot"), None, day("2018-07-20"), now)).unwrap();
    let states: Vec<DayState> = found[0].days.iter().map(|day| day.state).collect();
    use DayState::{Accepted, Late, Missing, NotDue, Quarantined, Stale};
    assert_eq!(states, [Missing, Accepted, Late, Stale, Quarantined, NotDue, NotDue]);
    assert_eq!(found[0].reports[&day("2018-07-17")], 3, "the accepted one leads");
    let all = book.read(|conn| calendars(conn, None, Some(day("2018-07-19")), day("2018-07-19"), now)).unwrap();
    assert_eq!(all.iter().map(|c| (c.venue.as_str(), c.days.len())).collect::<Vec<_>>(), [("spot", 1), ("futures", 1)]);
    assert!(book.read(|conn| calendars(conn, Some("moon"), None, day("2018-07-20"), now)).is_err());
});

/// Submits with a manifest made on the day after.
fn submit_now(book: &Book, on: &str, net: &str, version: u32) {
    let reply = submit(book, &btc_file(on, net), &format!("spot-{on}"), version, (version > 1).then(|| version - 1));
    assert!(reply.is_success(), "{}", reply.body);
}

fn open(book: &Book, as_of: &str) -> Vec<(String, i64, i128, String, Vec<i64>)> {
    let found: Vec<AssetAgeing> = book.read(|conn| ageing(conn, day(as_of), None)).unwrap();
    let Some(btc) = found.iter().find(|asset| asset.asset.0 == 2) else { return Vec::new() };
    let items = btc.items.iter();
    items.map(|i| (i.date.to_string(), i.age_days, i.quantity.minor(), i.value.to_string(), i.entries.clone())).collect()
}

fn settle(book: &Book, on: &str, quantity: &str) -> i64 {
    let event = TreasuryEvent::Settlement { receipts: vec![Units::new("cold-btc", "BTC", quantity)] };
    let command = TreasuryCommand { on: day(on), memo: None, reference: None, event };
    book.post_treasury(&Call::fresh("cli:test"), command).unwrap().success().unwrap().json()["entry"].as_i64().unwrap()
}

on_both_engines!(settlements_use_up_the_oldest_days_first, |db| {
    let book = small_book(&db);
    let wallet = NewWallet::new("cold-btc", 1110, "");
    book.add_wallet(&fresh(), wallet).unwrap();
    lock(&book, "2018-07-14", "6000", "450");
    lock(&book, "2018-07-16", "7000", "450");
    submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None);
    submit(&book, &btc_file("2018-07-16", "20"), "spot-16", 1, None);
    let settled = settle(&book, "2018-07-17", "1.5");
    assert_eq!(open(&book, "2018-07-18"), [("2018-07-16".into(), 2, 150_000_000, "10000.00000000".into(), vec![2])]);
    assert_eq!(open(&book, "2018-07-15").len(), 1, "as of a day before, the later ones do not count");
    submit(&book, &btc_file("2018-07-16", "18"), "spot-16", 2, Some(1));
    assert_eq!(open(&book, "2018-07-24")[0].2, 130_000_000, "a restatement counts for its own day");
    let reverse =
        safu_ledger::service::reversals::Reverse { entry: settled, reason: "wrong wallet".into(), on: day("2018-07-17") };
    book.reverse_entry(&fresh(), reverse).unwrap().success().unwrap();
    let again = open(&book, "2018-10-20");
    assert_eq!(again.iter().map(|i| i.2).collect::<Vec<_>>(), [100_000_000, 180_000_000]);
    let on_1210 = btc_on(&book, RECEIVABLE);
    let found = book.read(|conn| ageing(conn, day("2018-10-20"), None)).unwrap();
    assert_eq!((found[0].quantity.minor(), found[0].value.to_string()), on_1210, "it ties to the receivable");
    let value: i128 = found[0].items.iter().map(|item| item.value.minor()).sum();
    assert_eq!(value, found[0].value.minor());
    let before = book.read(|conn| ageing(conn, day("2018-10-20"), Some("2018-07-01T00:00:00Z".parse().unwrap()))).unwrap();
    assert!(before.is_empty(), "nothing was known then");
});

on_both_engines!(what_was_open_is_told_as_it_was_known, |db| {
    let book = small_book(&db);
    book.add_wallet(&fresh(), NewWallet::new("cold-btc", 1110, "")).unwrap();
    lock(&book, "2018-07-14", "6000", "450");
    lock(&book, "2018-07-16", "7000", "450");
    let at = |book: &Book, moment: &str| book.clock.set(moment.parse().unwrap());
    let known = |book: &Book, moment: &str| {
        let found = book.read(|conn| ageing(conn, day("2018-07-30"), Some(moment.parse().unwrap()))).unwrap();
        let bare = book.read(|conn| open_dates(conn, day("2018-07-30"), Some(moment.parse().unwrap()))).unwrap();
        let strip = |mut all: Vec<AssetAgeing>| {
            all.iter_mut().flat_map(|asset| &mut asset.items).for_each(|item| item.entries.clear());
            all
        };
        assert_eq!(strip(found.clone()), bare, "naming entries changes nothing else");
        let items = found.iter().flat_map(|asset| &asset.items);
        items.map(|i| (i.date.to_string(), i.quantity.minor(), i.entries.clone())).collect::<Vec<_>>()
    };
    submit(&book, &btc_file("2018-07-16", "20"), "spot-16", 1, None);
    at(&book, "2018-07-21T12:00:00Z");
    submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None);
    at(&book, "2018-07-22T12:00:00Z");
    let settled = settle(&book, "2018-07-17", "1.5");
    at(&book, "2018-07-23T12:00:00Z");
    submit(&book, &btc_file("2018-07-16", "18"), "spot-16", 2, Some(1));
    at(&book, "2018-07-24T12:00:00Z");
    let reverse = safu_ledger::service::reversals::Reverse { entry: settled, reason: "wrong".into(), on: day("2018-07-18") };
    book.reverse_entry(&fresh(), reverse).unwrap().success().unwrap();
    let (first, second) = ("2018-07-14".to_owned(), "2018-07-16".to_owned());
    assert_eq!(known(&book, "2018-07-21T00:00:00Z"), [(second.clone(), 200_000_000, vec![1])]);
    let both = |units: i128, entries: Vec<i64>| vec![(first.clone(), 100_000_000, vec![2]), (second.clone(), units, entries)];
    assert_eq!(known(&book, "2018-07-22T00:00:00Z"), both(200_000_000, vec![1]));
    assert_eq!(known(&book, "2018-07-23T00:00:00Z"), [(second.clone(), 150_000_000, vec![1])]);
    assert_eq!(known(&book, "2018-07-24T00:00:00Z"), [(second.clone(), 130_000_000, vec![1, 4])]);
    assert_eq!(known(&book, "2018-07-25T00:00:00Z"), both(180_000_000, vec![1, 4]));
    assert_eq!(known(&book, "2018-07-20T00:00:00Z"), []);
});

on_both_engines!(lists_have_cursors_and_reports_their_rows, |db| {
    let book = small_book(&db);
    for on in 14..=18 {
        let rows = file("spot", &format!("2018-07-{on}"), &[("A-B", "USD", "1", "0", "1"), ("B-C", "USD", "2", "1", "1")]);
        submit(&book, &rows, &format!("spot-{on}"), 1, None);
    }
    let mut filter = ReportFilter { limit: 2, from: Some(day("2018-07-15")), ..ReportFilter::default() };
    let mut seen = Vec::new();
    loop {
        let page = book.read(|conn| view::reports(conn, &filter)).unwrap();
        seen.extend(page.items.iter().map(|item| item.report_id.clone()));
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["spot-18", "spot-17", "spot-16", "spot-15"]);
    let first = book.read(|conn| view::rows(conn, 1, None, 1)).unwrap();
    assert_eq!((first.items[0].pair.as_str(), first.next), ("A-B", Some(1)));
    let second = book.read(|conn| view::rows(conn, 1, first.next, 1)).unwrap();
    assert_eq!((second.items[0].net_fee.as_str(), second.next), ("1", None));
    let shown = book.read(|conn| view::report(conn, 1)).unwrap();
    let total = &shown.totals[0];
    assert_eq!(
        [&total.gross_fee, &total.rebate, &total.net_fee, &total.difference, &total.contribution],
        ["3", "1", "2", "0", "0.2"]
    );
    let changed = file("spot", "2018-07-14", &[("A-B", "USD", "3", "0", "3"), ("C-D", "USD", "1", "0", "1")]);
    submit(&book, &changed, "spot-14", 2, Some(1));
    let restated = book.read(|conn| changes::restatement(conn, 6)).unwrap().unwrap();
    assert_eq!(restated.rows.iter().map(|row| row.kind).collect::<Vec<_>>(), ["changed", "removed", "added"]);
    assert_eq!(restated.contributions[0].difference, "0.2");
    assert!(book.read(|conn| changes::restatement(conn, 1)).unwrap().is_none());
    for limit in [0, 1_001] {
        assert!(book.read(|conn| view::rows(conn, 1, None, limit)).is_err());
    }
});
