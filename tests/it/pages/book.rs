//! A book with something on every page.

use crate::contributions::book::{file, manifest};
pub use crate::incidents::theft::CODE;
use crate::incidents::theft::{Theft, accepted, btc, call, claims_file};
use crate::support::database::TestDb;
use safu_ledger::service::Book;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::contributions::events::EventFeed;
use safu_ledger::service::contributions::rejection::RejectReport;
use safu_ledger::service::incidents::payouts::PaidBy;
use safu_ledger::service::incidents::recoveries::{NewRecoveryReceipt, RecoveryMemo};
use safu_ledger::service::init::{self, NewBook};
use safu_ledger::service::policies::{ContributionTerms, CoveragePolicy};
use safu_ledger::service::registry::NewVenue;
use safu_ledger::service::treasury::{TreasuryCommand, TreasuryEvent, Units};
use safu_ledger::store::conn::DatabaseUrl;
use serde_json::json;

/// A memo that would be a script if anything let it.
pub const HOSTILE: &str = "<script>alert(1)</script> \"><img src=x onerror=alert(2)> javascript:alert(3)";

pub fn empty_book(db: &TestDb) -> Book {
    let clock = Clock::simulated("2019-05-08T12:00:00Z".parse().unwrap());
    init::create(&DatabaseUrl::parse(db.url()).unwrap(), clock, "cli:ana", &NewBook::default()).unwrap()
}

/// The theft of 7,000 BTC with 250 claims of it, some paid; contributions; a policy; a hostile memo.
pub fn full_book(db: &TestDb) -> Book {
    let theft = Theft::recognised(db, "7000", "100");
    let book = &theft.book;
    let policy: CoveragePolicy = serde_json::from_value(json!({
        "target": "100000000", "floor": "20000000", "minimum_coverage": "1",
        "bands": [{"below": "1.1", "name": "alarm"}, {"below": "1.5", "name": "watch"}],
        "scenarios": [{"name": "Half of everything", "shocks": {"BTC": "0.5"}}],
    }))
    .unwrap();
    accepted(book.set_coverage_policy(&call(), "2019-05-01".parse().unwrap(), policy));
    let spot = NewVenue { code: "spot".to_owned(), first_due: "2019-05-05".parse().unwrap() };
    accepted(book.add_venue(&call(), spot));
    let terms = ContributionTerms::of_all_venues("0.1");
    accepted(book.set_contribution_policy(&call(), "2019-05-01".parse().unwrap(), terms));
    book.clock.set("2019-05-09T09:00:00Z".parse().unwrap());
    events(book);
    reports(book);
    theft.day("2019-05-09", "6000");
    let mut revised = btc("7070.7", "");
    revised.identified = Some("30".to_owned());
    accepted(theft.estimate(vec![revised]));
    accepted(theft.import(&call(), &claims_file(250, 707_070_000_000)));
    accepted(theft.approve(&call(), Some("1-200")));
    hostile(book);
    theft.day("2019-05-15", "7000");
    let mut first = theft.payout(Some("1-120"));
    first.network_fee = Some("0.25".to_owned());
    accepted(book.pay_claims(&call(), CODE, first, PaidBy::One("tx-1".to_owned())));
    accepted(theft.pay(&call(), Some("121-150")));
    recoveries(&theft);
    book.clone()
}

fn events(book: &Book) {
    let event = |no: i64| {
        json!({
            "external_id": format!("spot/{no}"), "venue": "spot", "business_date": "2019-05-07",
            "pair": "BTC-USDT", "fee_asset": "BTC", "net_fee": format!("0.{no:04}"),
        })
    };
    let events: Vec<_> = (1..=130).map(event).collect();
    let feed = EventFeed::start(book).unwrap();
    let outcome = feed.submit_and_wait(call(), json!(events).to_string().as_bytes());
    assert!(outcome.is_ok(), "{outcome:?}");
}

fn recoveries(theft: &Theft) {
    let (book, day) = (&theft.book, theft.book.clock.today());
    let memo = |channel: &str, quantity: &str| RecoveryMemo {
        channel: channel.to_owned(),
        asset: "BTC".to_owned(),
        quantity: quantity.to_owned(),
        note: "addresses blocked".to_owned(),
    };
    accepted(book.record_recovery_memo(&call(), CODE, day, memo("exchange-a", "40")));
    let receipt = NewRecoveryReceipt {
        on: day,
        asset: "BTC".to_owned(),
        quantity: "12.5".to_owned(),
        wallet: "cold".to_owned(),
        channel: "exchange-a".to_owned(),
        note: HOSTILE.to_owned(),
    };
    accepted(book.receive_recovery(&call(), CODE, receipt));
}

/// Day 7 in two versions, day 6 refused, day 8 accepted with a contradiction that a person rejected and one that is held; day 5 never
/// comes.
fn reports(book: &Book) {
    let made = "2019-05-09T01:00:00Z".parse().unwrap();
    let rows = |on: &str, btc: &str, many: usize| {
        let pairs: Vec<String> = (0..many).map(|no| format!("X{no}-BTC")).collect();
        let mut rows: Vec<(&str, &str, &str, &str, &str)> =
            pairs.iter().map(|pair| (pair.as_str(), "BTC", "0.01", "0.001", "0.009")).collect();
        rows.push(("BTC-USDC", "BTC", btc, "0", btc));
        file("spot", on, &rows)
    };
    for (on, version, btc, state) in
        [("2019-05-07", 1, "3", "accepted"), ("2019-05-07", 2, "2.5", "accepted"), ("2019-05-08", 1, "4.25", "accepted")]
    {
        let rows = rows(on, btc, 120);
        let mut described = manifest(&rows, &format!("spot-{on}"), version, version.checked_sub(1).filter(|v| *v > 0));
        described.generated_at = made;
        let reply = book.submit_report(&call(), described.to_json().as_bytes(), rows).unwrap();
        assert_eq!(reply.json()["state"], state, "{:?}", reply.json());
    }
    let good = rows("2019-05-06", "1", 1);
    let wrong = String::from_utf8(good.clone()).unwrap().replace("0.009", "0.010").into_bytes();
    let mut described = manifest(&good, "spot-2019-05-06", 1, None);
    described.generated_at = made;
    described.sha256 = safu_ledger::proof::merkle::sha256(&wrong);
    let refused = book.submit_report(&call(), described.to_json().as_bytes(), wrong).unwrap();
    assert_eq!(refused.status, 422, "{:?}", refused.json());
    for btc in ["4.5", "5"] {
        let rows = rows("2019-05-08", btc, 1);
        let mut described = manifest(&rows, "spot-2019-05-08", 1, None);
        described.generated_at = made;
        let held = book.submit_report(&call(), described.to_json().as_bytes(), rows).unwrap();
        assert_eq!(held.status, 409, "{:?}", held.json());
    }
    accepted(book.reject_report(&call(), 5, RejectReport { reason: HOSTILE.to_owned() }));
}

fn hostile(book: &Book) {
    let receipts = vec![Units::new("cold", "USDC", "1.5")];
    let mut command = TreasuryCommand::new("2019-05-09".parse().unwrap(), TreasuryEvent::SponsorCapital { receipts });
    command.memo = Some(HOSTILE.to_owned());
    accepted(book.post_treasury(&call(), command));
}
