//! A small book with two venues and a price set, and fee reports for it.

use crate::support::database::TestDb;
use jiff::Timestamp;
use jiff::civil::Date;
use safu_ledger::domain::account::no;
use safu_ledger::domain::amount::{Quantity, Value};
use safu_ledger::domain::contribution::manifest::{DescribeMeta, Manifest, describe};
use safu_ledger::domain::contribution::rows::COLUMNS;
use safu_ledger::domain::text::Name;
use safu_ledger::service::clock::Clock;
use safu_ledger::service::init::{NewBook, create};
use safu_ledger::service::policies::ContributionTerms;
use safu_ledger::service::registry::{NewAsset, NewVenue};
use safu_ledger::service::{Answer, Book, Call, Reply};
use safu_ledger::store::conn::DatabaseUrl;
use safu_ledger::store::price::{PriceRow, PriceSet, PriceSetRow};
use safu_ledger::store::{fee_report, projection};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// USD (2), BTC (8), ETH (18); the venues `spot` and `futures`; a tenth is owed from 2018-07-14; now is 2018-07-20 at noon.
pub fn small_book(db: &TestDb) -> Book {
    let url = DatabaseUrl::parse(db.url()).unwrap();
    let book = create(&url, clock("2018-07-20T12:00:00Z"), "cli:test", &NewBook::default()).unwrap();
    for (code, network, scale) in [("BTC", "bitcoin", 8), ("ETH", "ethereum", 18)] {
        let asset = NewAsset { code: code.into(), network: network.into(), scale, own_token: false };
        book.add_asset(&fresh(), asset).unwrap();
    }
    for code in ["spot", "futures"] {
        let venue = NewVenue { code: code.into(), first_due: day("2018-07-14") };
        book.add_venue(&fresh(), venue).unwrap();
    }
    book.set_contribution_policy(&fresh(), day("2018-07-14"), ContributionTerms::of_all_venues("0.1")).unwrap();
    book
}

pub fn clock(at: &str) -> Clock {
    Clock::simulated(at.parse().unwrap())
}

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn fresh() -> Call {
    Call::fresh("cli:test")
}

/// Locks a set: BTC and ETH at these prices. Only what the store needs, so that these tests do not hang on the treasury's.
pub fn lock(book: &Book, on: &str, btc: &str, eth: &str) {
    let prices = [(2, btc), (3, eth)].into_iter().map(|(asset_id, price)| PriceRow {
        cutoff_on: on.into(),
        asset_id,
        price: price.into(),
        basis: "manual".into(),
    });
    let header = PriceSetRow { cutoff_on: on.into(), source: "test".into(), source_hash: String::new(), leaf: 0 };
    let set = PriceSet { header, prices: prices.collect() };
    book.command(&fresh(), &json!({"prices": on}), move |tx| {
        tx.record(set.clone());
        Ok(Answer::created(json!({})))
    })
    .unwrap();
}

/// The bytes of a file with these rows (pair, asset, gross, rebate, net); volumes are large enough for any of these fees.
pub fn file(venue: &str, on: &str, rows: &[(&str, &str, &str, &str, &str)]) -> Vec<u8> {
    let mut text = COLUMNS.join(",");
    text.push('\n');
    for (pair, asset, gross, rebate, net) in rows {
        text.push_str(&format!("{venue},{on},{pair},{asset},10,1000000,1000000,{gross},{rebate},{net}\n"));
    }
    text.into_bytes()
}

/// The manifest of a file.
pub fn manifest(rows: &[u8], report_id: &str, version: u32, supersedes: Option<u32>) -> Manifest {
    let generated_at: Timestamp = "2018-07-25T01:00:00Z".parse().unwrap();
    describe(rows, DescribeMeta { report_id: Name::parse(report_id).unwrap(), version, supersedes, generated_at }).unwrap()
}

/// Submits a file under a fresh key with the manifest that describes it.
pub fn submit(book: &Book, rows: &[u8], report_id: &str, version: u32, supersedes: Option<u32>) -> Reply {
    let manifest = manifest(rows, report_id, version, supersedes).to_json();
    book.submit_report(&fresh(), manifest.as_bytes(), rows.to_vec()).unwrap()
}

/// One BTC row of `spot` on a day.
pub fn btc_file(on: &str, net: &str) -> Vec<u8> {
    file("spot", on, &[("BTC-USD", "BTC", net, "0", net)])
}

/// Units and value on an account for BTC.
pub fn btc_on(book: &Book, account: i32) -> (i128, String) {
    let rows = book.read(projection::balances).unwrap();
    let row = rows.into_iter().find(|row| row.account_no == account && row.asset_id == 2);
    row.map_or((0, "0".to_owned()), |row| (row.quantity.0, row.value.value().to_string()))
}

pub const RECEIVABLE: i32 = no::CONTRIBUTIONS_RECEIVABLE.0;
pub const INCOME: i32 = no::CONTRIBUTIONS.0;
pub const RESTATEMENTS: i32 = no::RESTATEMENTS.0;
pub const REFUNDABLE: i32 = no::REFUNDABLE.0;

/// Asserts what must hold of every book: each asset and the value sum to zero, what is posted ties to the receivable's income,
/// and the whole book verifies.
pub fn assert_whole(book: &Book) {
    let rows = book.read(projection::balances).unwrap();
    let mut units: BTreeMap<i32, Quantity> = BTreeMap::new();
    let mut value = Value::ZERO;
    for row in &rows {
        let sum = units.entry(row.asset_id).or_default();
        *sum = sum.checked_add(row.quantity.quantity()).unwrap();
        value = value.checked_add(row.value.value()).unwrap();
    }
    assert!(units.values().all(|sum| sum.is_zero()) && value.is_zero(), "{units:?} {value:?}");
    let verdict = safu_ledger::service::verify::verify(book).unwrap();
    assert!(verdict.is_good(), "{:#?}", verdict.findings);
}

pub fn state(reply: &Reply) -> (u16, String) {
    let body: Json = reply.json();
    let state = body["state"].as_str().or_else(|| body["code"].as_str()).unwrap_or_default();
    let reason = body["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
    (reply.status, format!("{state}{reason}"))
}

/// The states of all reports in recording order, as `name v1: state reason`.
pub fn standing(book: &Book) -> Vec<String> {
    book.read(|conn| {
        let reports = fee_report::all(conn)?;
        let last = fee_report::last_steps(conn, &reports.iter().map(|r| r.id).collect::<Vec<_>>(), i64::MAX)?;
        Ok(reports
            .iter()
            .map(|r| format!("{} v{}: {} {}", r.report_id, r.version, last[&r.id].state, last[&r.id].reason).trim().to_owned())
            .collect())
    })
    .unwrap()
}
