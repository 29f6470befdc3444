//! Versions of a report: first, higher, lower, with gaps, without prices, late and in closed periods.

use super::book::*;
use safu_ledger::service::{Answer, Book};
use safu_ledger::store::price::ClosedPeriodRow;
use serde_json::json;

on_both_engines!(a_report_posts_the_truncated_share_once, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let rows = file(
        "spot",
        "2018-07-14",
        &[
            ("BTC-USD", "BTC", "0.00000011", "0.00000001", "0.0000001"),
            ("ETH-BTC", "BTC", "0.00000009", "0", "0.00000009"),
            ("ETH-BTC", "ETH", "0.000000000000000009", "0", "0.000000000000000009"),
        ],
    );
    let reply = submit(&book, &rows, "spot-14", 1, None);
    assert_eq!(
        reply.json(),
        json!({
            "id": 1, "report_id": "spot-14", "venue": "spot", "business_date": "2018-07-14", "version": 1, "state": "accepted",
            "entry": 1, "rows": 3, "contributions": {"BTC": "0.00000001", "ETH": "0"}, "share": "0.1", "price_set": "2018-07-14",
        })
    );
    assert_eq!(reply.status, 201);
    assert_eq!(btc_on(&book, RECEIVABLE).0, 1, "19 units make 1, not 1 + 0");
    assert_whole(&book);
});

on_both_engines!(the_same_bytes_again_get_the_first_answer_under_any_key, |db| {
    let book = small_book(&db);
    let rows = btc_file("2018-07-15", "1");
    let first = submit(&book, &rows, "spot-15", 1, None);
    assert_eq!(state(&first), (202, "quarantined waiting-for-price".into()));
    lock(&book, "2018-07-15", "6000", "450");
    book.release_waiting(&fresh()).unwrap();
    let again = submit(&book, &rows, "spot-15", 1, None);
    assert_eq!((again.body.as_str(), again.status, again.replayed), (first.body.as_str(), 202, true));
    assert!(!first.replayed);
    assert_eq!(btc_on(&book, RECEIVABLE).0, 10_000_000);
    assert_eq!(standing(&book), ["spot-15 v1: accepted"]);
    assert_whole(&book);
});

on_both_engines!(a_dry_run_records_nothing, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let rows = btc_file("2018-07-14", "1");
    let text = manifest(&rows, "spot-14", 1, None).to_json();
    let reply = book.submit_report(&fresh().dry(true), text.as_bytes(), rows.clone()).unwrap();
    assert_eq!(state(&reply), (201, "accepted".into()));
    assert!(standing(&book).is_empty());
    assert_eq!(submit(&book, &rows, "spot-14", 1, None).json()["id"], 1);
});

on_both_engines!(a_higher_version_posts_the_difference_against_unsettled_receivables, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None);
    let down = submit(&book, &btc_file("2018-07-14", "7"), "spot-14", 2, Some(1));
    assert_eq!(state(&down), (201, "accepted".into()));
    assert_eq!(down.json()["contributions"], json!({"BTC": "0.7"}));
    assert_eq!(btc_on(&book, RECEIVABLE), (70_000_000, "4200.00000000".into()));
    assert_eq!(btc_on(&book, RESTATEMENTS), (30_000_000, "1800.00000000".into()));
    let up = submit(&book, &btc_file("2018-07-14", "12"), "spot-14", 3, Some(2));
    assert_eq!(state(&up), (201, "accepted".into()));
    assert_eq!(btc_on(&book, RECEIVABLE), (120_000_000, "7200.00000000".into()));
    assert_eq!(btc_on(&book, INCOME).0, -100_000_000);
    assert_eq!(btc_on(&book, RESTATEMENTS), (-20_000_000, "-1200.00000000".into()));
    assert_eq!(standing(&book), ["spot-14 v1: superseded restated", "spot-14 v2: superseded restated", "spot-14 v3: accepted"]);
    assert_whole(&book);
});

on_both_engines!(a_version_that_takes_an_asset_away_and_changes_nothing_else_has_its_entry, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let both = file("spot", "2018-07-14", &[("BTC-USD", "BTC", "1", "0", "1"), ("ETH-USD", "ETH", "2", "0", "2")]);
    submit(&book, &both, "spot-14", 1, None);
    let reply = submit(&book, &btc_file("2018-07-14", "1"), "spot-14", 2, Some(1));
    assert_eq!(reply.json()["entry"], 2);
    let same = file("spot", "2018-07-14", &[("BTC-USDT", "BTC", "1", "0", "1")]);
    let reply = submit(&book, &same, "spot-14", 3, Some(2));
    assert_eq!((reply.status, &reply.json()["entry"]), (201, &json!(null)), "nothing differs, so nothing is booked");
    assert_whole(&book);
});

on_both_engines!(what_is_settled_already_becomes_refundable, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None);
    settle(&book, 80_000_000);
    submit(&book, &btc_file("2018-07-14", "5"), "spot-14", 2, Some(1));
    assert_eq!(btc_on(&book, RECEIVABLE), (0, "0.00000000".into()));
    assert_eq!(btc_on(&book, REFUNDABLE), (-30_000_000, "-1800.00000000".into()));
    assert_whole(&book);
});

/// Settles units of BTC into a wallet by the settlement's own rule.
fn settle(book: &Book, units: i128) {
    use safu_ledger::domain::account::AccountNo;
    use safu_ledger::domain::amount::Quantity;
    use safu_ledger::domain::asset::AssetId;
    use safu_ledger::domain::ids::WalletId;
    use safu_ledger::ledger::asset_table::AssetTable;
    use safu_ledger::ledger::posting::settlement::{Settlement, post};
    use safu_ledger::ledger::posting::{Carrying, Context, Header, NextLot, Place, Receipt};
    use safu_ledger::service::posting::Prices;
    use safu_ledger::service::refs::{FUNCTIONAL, Refs};
    use safu_ledger::service::registry::NewWallet;
    let wallet = NewWallet::new("cold-btc", 1110, "");
    book.add_wallet(&fresh(), wallet).unwrap();
    book.command(&fresh(), &json!({"settle": units.to_string()}), move |tx| {
        let refs = Refs::load(tx.conn)?;
        let assets = AssetTable::new(FUNCTIONAL, refs.assets.values().cloned())?;
        let prices = Prices::at(tx.conn, day("2018-07-14"))?;
        let rows = safu_ledger::store::projection::balances(tx.conn)?;
        let carried = rows.iter().find(|row| row.account_no == RECEIVABLE).unwrap().amounts();
        let receipt = Receipt { place: Place::new(WalletId(1), AccountNo(1110)), asset: AssetId(2), quantity: Quantity(units) };
        let settlement = Settlement {
            receipts: vec![receipt],
            receivable: [(AssetId(2), Carrying::debit(carried.quantity, carried.value))].into(),
        };
        let mut ctx = Context::new(&assets, &prices.by_asset, [], NextLot::starting_at(1));
        let entry = post(&mut ctx, Header::new(day("2018-07-14"), "Settlement"), &settlement)?;
        let no = tx.post_entry(entry, "test")?;
        tx.head.last_lot = 1;
        Ok(Answer::created(json!({"entry": no.0})))
    })
    .unwrap();
}

on_both_engines!(an_overtaken_version_is_kept_but_does_not_post, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None);
    submit(&book, &btc_file("2018-07-14", "12"), "spot-14", 3, Some(1));
    let late = submit(&book, &btc_file("2018-07-14", "11"), "spot-14", 2, Some(1));
    assert_eq!(state(&late), (201, "superseded out-of-order".into()));
    assert_eq!(btc_on(&book, RECEIVABLE).0, 120_000_000);
    let reply = submit(&book, &btc_file("2018-07-14", "13"), "spot-14", 4, Some(2));
    assert_eq!(state(&reply), (409, "out-of-order".into()));
    assert_eq!(btc_on(&book, RECEIVABLE).0, 120_000_000);
    assert_whole(&book);
});

on_both_engines!(versions_that_come_before_the_one_they_replace_wait_and_then_post_in_order, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let third = submit(&book, &btc_file("2018-07-14", "8"), "spot-14", 3, Some(2));
    assert_eq!(state(&third), (202, "quarantined waiting-for-version".into()));
    let second = submit(&book, &btc_file("2018-07-14", "12"), "spot-14", 2, Some(1));
    assert_eq!(state(&second), (202, "quarantined waiting-for-version".into()));
    assert_eq!(state(&submit(&book, &btc_file("2018-07-14", "10"), "spot-14", 1, None)), (201, "accepted".into()));
    assert_eq!(standing(&book), ["spot-14 v3: accepted", "spot-14 v2: superseded restated", "spot-14 v1: superseded restated"]);
    assert_eq!(btc_on(&book, RECEIVABLE).0, 80_000_000);
    assert_eq!(btc_on(&book, RESTATEMENTS).0, 20_000_000);
    assert_whole(&book);
});

on_both_engines!(a_refused_version_does_not_hold_up_its_correction, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let rows = btc_file("2018-07-14", "10");
    let mut bad = manifest(&rows, "spot-14", 1, None);
    bad.row_count = 2;
    let reply = book.submit_report(&fresh(), bad.to_json().as_bytes(), rows.clone()).unwrap();
    assert_eq!(state(&reply), (422, "row-count-mismatch".into()));
    let mended = submit(&book, &btc_file("2018-07-14", "9"), "spot-14", 2, Some(1));
    assert_eq!(state(&mended), (201, "accepted".into()));
    assert_eq!(btc_on(&book, INCOME).0, -90_000_000, "the first version that posts is an accrual, not a restatement");
    assert_eq!(state(&submit(&book, &rows, "spot-14", 1, None)), (201, "superseded out-of-order".into()));
    assert_whole(&book);
});

on_both_engines!(reports_wait_for_their_price_and_post_by_themselves, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-12", "6000", "450");
    let stale = submit(&book, &btc_file("2018-07-15", "1"), "spot-15", 1, None);
    assert_eq!(state(&stale), (202, "quarantined waiting-for-price".into()));
    let problem = stale.json()["problems"][0]["detail"].as_str().unwrap().to_owned();
    assert!(problem.contains("72 h before") && problem.contains("48 h"), "{problem}");
    let fresh_enough = submit(&book, &btc_file("2018-07-14", "1"), "spot-14", 1, None);
    assert_eq!(state(&fresh_enough), (201, "accepted".into()), "48 hours are allowed");
    let restated = submit(&book, &btc_file("2018-07-15", "2"), "spot-15", 2, Some(1));
    assert_eq!(state(&restated), (202, "quarantined waiting-for-version".into()));
    assert_eq!(book.release_waiting(&fresh()).unwrap().json(), json!({"released": []}));
    lock(&book, "2018-07-15", "7000", "450");
    let released = book.release_waiting(&fresh()).unwrap().json();
    assert_eq!(released["released"].as_array().unwrap().len(), 3, "two accepted, the first of them superseded: {released}");
    assert_eq!(standing(&book), ["spot-15 v1: superseded restated", "spot-14 v1: accepted", "spot-15 v2: accepted"]);
    assert_eq!(btc_on(&book, RECEIVABLE), (30_000_000, "2000.00000000".into()));
    assert_whole(&book);
});

on_both_engines!(dollars_need_no_price, |db| {
    let book = small_book(&db);
    let rows = file("futures", "2018-07-16", &[("BTC-USD", "USD", "100.55", "0", "100.55")]);
    let reply = submit(&book, &rows, "futures-16", 1, None);
    assert_eq!(state(&reply), (201, "accepted".into()));
    assert_eq!(reply.json()["contributions"], json!({"USD": "10.05"}));
    assert_eq!(reply.json()["price_set"], json!(null));
    assert_whole(&book);
});

on_both_engines!(a_late_report_posts_into_the_open_period_with_its_day_kept, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    book.command(&fresh(), &json!({"close": 1}), |tx| {
        tx.record(ClosedPeriodRow { period: "2018-07".into(), closed_entry: None, leaf: 0 });
        Ok(Answer::created(json!({})))
    })
    .unwrap();
    submit(&book, &btc_file("2018-07-14", "1"), "spot-14", 1, None);
    let entry = book.read(|conn| safu_ledger::store::journal::headers_between(conn, 1, 1)).unwrap().remove(0);
    assert_eq!(
        (entry.effective_on.as_str(), entry.period.as_str(), entry.source.as_str()),
        ("2018-07-14", "2018-08", "report:1")
    );
});

on_both_engines!(contradictions_are_kept_for_people_and_post_nothing, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-15", "6000", "450");
    submit(&book, &btc_file("2018-07-15", "1"), "spot-15", 1, None);
    let other = submit(&book, &btc_file("2018-07-15", "2"), "spot-15", 1, None);
    assert_eq!(state(&other), (409, "report-conflict".into()));
    let again = submit(&book, &btc_file("2018-07-15", "2"), "spot-15", 1, None);
    assert_eq!((again.body, again.replayed), (other.body, true));
    let moved = submit(&book, &btc_file("2018-07-16", "1"), "spot-15", 2, Some(1));
    assert_eq!(state(&moved), (409, "report-conflict".into()));
    let double = submit(&book, &btc_file("2018-07-15", "3"), "spot-15-b", 1, None);
    assert_eq!(state(&double), (202, "quarantined duplicate-natural-keys".into()));
    assert_eq!(
        standing(&book),
        [
            "spot-15 v1: accepted",
            "spot-15 v1: quarantined conflict",
            "spot-15 v2: quarantined conflict",
            "spot-15-b v1: quarantined duplicate-natural-keys"
        ]
    );
    assert_eq!(btc_on(&book, RECEIVABLE).0, 10_000_000);
    let next = submit(&book, &btc_file("2018-07-15", "4"), "spot-15", 2, Some(1));
    assert_eq!(state(&next), (201, "accepted".into()), "what is held does not stand in the way of a right version");
    assert_whole(&book);
});

on_both_engines!(a_hundred_thousand_rows_are_one_entry, |db| {
    let book = small_book(&db);
    lock(&book, "2018-07-14", "6000", "450");
    let pairs: Vec<String> = (0..100_000).map(|n| format!("P{n}-BTC")).collect();
    let rows: Vec<_> = pairs.iter().map(|pair| (pair.as_str(), "BTC", "0.00000003", "0.00000001", "0.00000002")).collect();
    let reply = submit(&book, &file("spot", "2018-07-14", &rows), "spot-14", 1, None);
    assert_eq!(reply.json()["contributions"], json!({"BTC": "0.0002"}));
    assert_eq!(reply.json()["entry"], 1);
    assert_whole(&book);
});
