//! What the worked story does not show: refusals, and events at prices and positions that the story has not.

use super::book::{BANK, BNB, BTC, Book, COLD, LOCKED, PAYOUT, USD, USDC};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::ledger::posting::accrual::{self, Accrual};
use crate::ledger::posting::approval::{self, Approval};
use crate::ledger::posting::asset_loss::{self, AssetLoss};
use crate::ledger::posting::case_revision::{self, CaseRevision, Revision};
use crate::ledger::posting::claims_handling::{self, ClaimsHandlingPayment};
use crate::ledger::posting::close::{self, ClosingBalance};
use crate::ledger::posting::encumbrance::{self, Encumbrance};
use crate::ledger::posting::fixed_price::{self, Election, FixedPayout};
use crate::ledger::posting::incident::{self, Estimate, Recognition};
use crate::ledger::posting::mark_to_market::{self, Holding};
use crate::ledger::posting::payout::{self, Payout};
use crate::ledger::posting::recovery::{self, RecoveryPosition, RecoveryReceived, RecoveryRecognised};
use crate::ledger::posting::restatement::{self, Change, Restatement};
use crate::ledger::posting::settlement::{self, Settlement};
use crate::ledger::posting::shortfall::{self, LegalRelease, Shortfall};
use crate::ledger::posting::sponsor;
use crate::ledger::posting::subrogation::{self, SubrogatedClaim, WriteOff};
use crate::ledger::posting::suspense::{self, Identification, Identity};
use crate::ledger::posting::transfer::{self, NetworkFee, Transfer};
use crate::ledger::posting::unclaimed::{self, Unclaimed};
use crate::ledger::posting::{Place, Receipt};
use crate::ledger::trial_balance::TrialBalance;
use std::collections::BTreeMap;

const ONE: IncidentId = IncidentId(1);

/// A book with 10 BTC at 5,000 and 20,000 USDC in the cold wallet, 2 BTC at 5,000 in the payout wallet, marked to 6,000.
fn book() -> Book {
    let mut book = Book::new();
    book.price(BTC, "5000");
    book.price(BNB, "10");
    for (place, asset, text) in [(COLD, BTC, "10"), (COLD, USDC, "20000"), (PAYOUT, BTC, "2")] {
        capital(&mut book, place, asset, text).unwrap();
    }
    book.price(BTC, "6000");
    book.mark().unwrap();
    book
}

fn capital(book: &mut Book, place: Place, asset: AssetId, text: &str) -> Result<Balanced, Rejection> {
    let receipt = book.receipt(place, asset, text);
    book.post(|ctx, header| sponsor::post_capital(ctx, header, &[receipt]))
}

fn recognise(book: &mut Book, case: &str, handling: &str) -> Result<Balanced, Rejection> {
    let estimates = vec![Estimate { asset: BTC, case: book.units(BTC, case), ibnr: Quantity::ZERO }];
    let input = Recognition { incident: ONE, estimates, handling: book.units(USD, handling) };
    book.post(|ctx, header| incident::post(ctx, header, &input))
}

fn approve(book: &mut Book, text: &str) -> Result<Balanced, Rejection> {
    let case_reserve = book.owed(no::CASE_RESERVES, BTC, 1);
    let input = Approval { incident: ONE, asset: BTC, quantity: book.units(BTC, text), case_reserve };
    book.post(|ctx, header| approval::post(ctx, header, &input))
}

fn pay(book: &mut Book, from: Place, text: &str) -> Result<Balanced, Rejection> {
    let payable = book.owed(no::CLAIMS_PAYABLE, BTC, 1);
    let input = Payout { incident: ONE, from, asset: BTC, quantity: book.units(BTC, text), payable };
    book.post(|ctx, header| payout::post(ctx, header, &input))
}

/// Signed value of an entry on an account.
fn on(entry: &Balanced, account: AccountNo) -> Value {
    TrialBalance::of_postings(entry.lines()).unwrap().value_of(&[account]).unwrap()
}

/// Signed units of an entry on an account.
fn units_on(entry: &Balanced, account: AccountNo, asset: AssetId) -> Quantity {
    TrialBalance::of_postings(entry.lines()).unwrap().get(account, asset).quantity
}

fn usd(text: &str) -> Value {
    Value::parse(text).unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Rejection>, code: OutcomeCode, pointer: &str) {
    let rejection = result.unwrap_err();
    assert_eq!((rejection.code, rejection.problems[0].pointer.as_str()), (code, pointer), "{rejection}");
    assert!(!rejection.problems[0].detail.is_empty());
}

#[test]
fn amounts_of_zero_or_less_and_unknown_assets_are_refused_with_their_place() {
    let mut book = book();
    for minor in [0, -1] {
        let accrual = Accrual { report: None, contributions: vec![(USDC, Quantity(5)), (BTC, Quantity(minor))] };
        let result = book.post(|ctx, header| accrual::post(ctx, header, &accrual));
        refused(result, OutcomeCode::InvalidField, "/contributions/1/quantity");
        let loss = AssetLoss { incident: None, place: COLD, asset: BTC, quantity: Quantity(minor) };
        refused(book.post(|ctx, header| asset_loss::post(ctx, header, &loss)), OutcomeCode::InvalidField, "/quantity");
    }
    let receipt = Receipt { place: COLD, asset: AssetId(99), quantity: Quantity(1) };
    refused(book.post(|ctx, header| sponsor::post_capital(ctx, header, &[receipt])), OutcomeCode::UnknownAsset, "/asset");
    let huge = Accrual { report: None, contributions: vec![(BTC, Quantity(i128::MAX))] };
    refused(book.post(|ctx, header| accrual::post(ctx, header, &huge)), OutcomeCode::InvalidField, "/contributions/0/quantity");
    let twice = Accrual { report: None, contributions: vec![(BTC, Quantity(1)), (BTC, Quantity(1))] };
    refused(book.post(|ctx, header| accrual::post(ctx, header, &twice)), OutcomeCode::InvalidField, "/contributions/1");
    let none = Accrual { report: None, contributions: Vec::new() };
    refused(book.post(|ctx, header| accrual::post(ctx, header, &none)), OutcomeCode::InvalidField, "/contributions");
}

#[test]
fn a_missing_price_is_never_guessed() {
    let mut book = book();
    book.prices.remove(&BTC);
    refused(capital(&mut book, COLD, BTC, "1"), OutcomeCode::PriceMissing, "/prices/BTC");
    let held = BTreeMap::from([(BTC, Holding { quantity: Quantity(1), ..Holding::default() })]);
    let result = book.post_some(|ctx, header| mark_to_market::post(ctx, header, &held));
    refused(result, OutcomeCode::PriceMissing, "/prices/BTC");
    // The functional currency needs none.
    assert_eq!(on(&capital(&mut book, BANK, USD, "12.34").unwrap(), no::BANK), usd("12.34"));
}

#[test]
fn valuing_twice_at_one_price_changes_nothing() {
    let mut book = book();
    assert_eq!(book.mark(), None);
    recognise(&mut book, "3", "0").unwrap();
    assert_eq!(book.remeasure(), None);
}

#[test]
fn the_adjustment_of_an_asset_that_is_gone_is_cleared_without_a_price() {
    let mut book = book();
    let held = BTreeMap::from([(BNB, Holding { adjustment: usd("0.00000003"), ..Holding::default() })]);
    book.prices.clear();
    let entry = book.post_some(|ctx, header| mark_to_market::post(ctx, header, &held)).unwrap().unwrap();
    assert_eq!(on(&entry, no::FAIR_VALUE_ADJUSTMENT), usd("-0.00000003"));
    assert!(entry.draft().marks.is_empty());
}

#[test]
fn more_than_a_wallet_holds_cannot_leave_it() {
    let mut book = book();
    let transfer = Transfer { from: PAYOUT, to: COLD, asset: BTC, quantity: book.units(BTC, "2.00000001"), fee: None };
    let result = book.post(|ctx, header| transfer::post(ctx, header, &transfer));
    refused(result.clone(), OutcomeCode::InsufficientUnits, "/quantity");
    let problem = &result.unwrap_err().problems[0];
    assert!(problem.value == "2.00000001 BTC" && problem.detail.contains("holds 2 BTC"), "{problem:?}");
    // The fee takes what the transfer left over.
    let fee = NetworkFee { place: PAYOUT, asset: BTC, quantity: Quantity(1) };
    let transfer = Transfer { quantity: book.units(BTC, "2"), fee: Some(fee), ..transfer };
    refused(book.post(|ctx, header| transfer::post(ctx, header, &transfer)), OutcomeCode::InsufficientUnits, "/fee/quantity");
    let still = Transfer { to: PAYOUT, ..transfer };
    refused(book.post(|ctx, header| transfer::post(ctx, header, &still)), OutcomeCode::InvalidField, "/to");
}

#[test]
fn encumbered_units_keep_their_cost_and_pay_nobody() {
    let mut book = book();
    let lock = Encumbrance { from: COLD, to: LOCKED, asset: BTC, quantity: book.units(BTC, "4") };
    let entry = book.post(|ctx, header| encumbrance::post(ctx, header, &lock)).unwrap();
    assert_eq!(on(&entry, no::ENCUMBERED), usd("20000"));
    assert_eq!(on(&entry, no::REALISED), Value::ZERO);
    let lot = book.lots.open().find(|lot| lot.account == no::ENCUMBERED).unwrap();
    let source = book.lots.open().find(|lot| lot.account == no::COLD && lot.asset == BTC).unwrap();
    assert_eq!((lot.mark, lot.acquired_on), (book.prices.get(&BTC).copied(), source.acquired_on));
    recognise(&mut book, "4", "0").unwrap();
    approve(&mut book, "4").unwrap();
    refused(pay(&mut book, LOCKED, "4"), OutcomeCode::InvalidField, "/from/account");
    let transfer = Transfer { from: LOCKED, to: COLD, asset: BTC, quantity: Quantity(1), fee: None };
    refused(book.post(|ctx, header| transfer::post(ctx, header, &transfer)), OutcomeCode::InvalidField, "/to");
    let neither = Encumbrance { from: COLD, to: PAYOUT, ..lock };
    refused(book.post(|ctx, header| encumbrance::post(ctx, header, &neither)), OutcomeCode::InvalidField, "/to/account");
    let receipt = book.receipt(LOCKED, BTC, "1");
    refused(book.post(|ctx, header| sponsor::post_capital(ctx, header, &[receipt])), OutcomeCode::InvalidField, "/account");
    let release = Encumbrance { from: LOCKED, to: COLD, ..lock };
    book.post(|ctx, header| encumbrance::post(ctx, header, &release)).unwrap();
    assert_eq!(book.value(no::ENCUMBERED), Value::ZERO);
}

#[test]
fn a_settlement_is_limited_to_what_is_receivable_and_shared_between_wallets() {
    let mut book = book();
    let accrual = Accrual { report: None, contributions: vec![(BTC, book.units(BTC, "3"))] };
    book.post(|ctx, header| accrual::post(ctx, header, &accrual)).unwrap();
    book.price(BTC, "6500");
    let settle = |book: &mut Book, texts: [&str; 2]| {
        let receipts = vec![book.receipt(COLD, BTC, texts[0]), book.receipt(PAYOUT, BTC, texts[1])];
        let receivable = [(BTC, book.trial.debit(no::CONTRIBUTIONS_RECEIVABLE, BTC))].into();
        let input = Settlement { receipts, receivable };
        book.post(|ctx, header| settlement::post(ctx, header, &input))
    };
    refused(settle(&mut book, ["2", "1.1"]), OutcomeCode::InsufficientUnits, "/receipts/1/quantity");
    let entry = settle(&mut book, ["2", "1"]).unwrap();
    assert_eq!(on(&entry, no::CONTRIBUTIONS_RECEIVABLE), usd("-18000"));
    assert_eq!(on(&entry, no::SETTLEMENT_DIFFERENCE), usd("-1500"));
}

#[test]
fn a_payout_needs_the_obligation_at_the_price_of_the_day() {
    let mut book = book();
    recognise(&mut book, "3", "0").unwrap();
    refused(approve(&mut book, "3.1"), OutcomeCode::InsufficientUnits, "/quantity");
    approve(&mut book, "3").unwrap();
    book.price(BTC, "6100");
    refused(pay(&mut book, COLD, "3"), OutcomeCode::OutOfOrder, "/quantity");
    book.remeasure().unwrap();
    refused(pay(&mut book, COLD, "3.1"), OutcomeCode::InsufficientUnits, "/quantity");
    let entry = pay(&mut book, COLD, "3").unwrap();
    // Paid at 6,100, bought at 5,000, marked at 6,000: the reversal leg takes back what was marked, not what was paid.
    assert_eq!(on(&entry, no::CLAIMS_PAYABLE), usd("18300"));
    assert_eq!(on(&entry, no::COLD), usd("-15000"));
    assert_eq!(on(&entry, no::REALISED), usd("-3300"));
    assert_eq!(on(&entry, no::FAIR_VALUE_ADJUSTMENT), usd("-3000"));
    assert_eq!(on(&entry, no::UNREALISED), usd("3000"));
}

#[test]
fn the_case_reserve_falls_at_its_carrying_amount() {
    let mut book = book();
    recognise(&mut book, "4", "0").unwrap();
    book.price(BTC, "7000");
    let carrying = book.owed(no::CASE_RESERVES, BTC, 1);
    let revision =
        CaseRevision { incident: ONE, asset: BTC, quantity: book.units(BTC, "1"), revision: Revision::Lower(carrying) };
    let entry = book.post(|ctx, header| case_revision::post(ctx, header, &revision)).unwrap();
    assert_eq!((on(&entry, no::CASE_RESERVES), on(&entry, no::DEVELOPMENT)), (usd("6000"), usd("-6000")));
}

#[test]
fn fixed_price_claims_take_their_units_through_clearing_and_bear_the_stable_asset_off_par() {
    let mut book = book();
    recognise(&mut book, "3", "0").unwrap();
    approve(&mut book, "3").unwrap();
    let election = Election {
        incident: ONE,
        asset: BTC,
        quantity: book.units(BTC, "3"),
        payable: book.owed(no::CLAIMS_PAYABLE, BTC, 1),
        fixed_price: crate::domain::price::Price::parse("6500").unwrap(),
        stable: USDC,
    };
    let entry = book.post(|ctx, header| fixed_price::post_election(ctx, header, &election)).unwrap();
    assert_eq!(units_on(&entry, no::CONVERSION, BTC), book.units(BTC, "-3"));
    assert_eq!(units_on(&entry, no::CONVERSION, USDC), book.units(USDC, "19500"));
    assert_eq!(on(&entry, no::ELECTION_DIFFERENCE), usd("1500"));

    book.price(USDC, "0.98");
    let input = FixedPayout {
        incident: ONE,
        from: COLD,
        stable: USDC,
        quantity: book.units(USDC, "19500"),
        payable: book.owed(no::CLAIMS_PAYABLE_FIXED, USDC, 1),
    };
    let entry = book.post(|ctx, header| fixed_price::post_payout(ctx, header, &input)).unwrap();
    assert_eq!(on(&entry, no::CLAIMS_PAYABLE_FIXED), usd("19500"));
    assert_eq!(on(&entry, no::REMEASUREMENT), usd("-390"));
    assert_eq!(on(&entry, no::REALISED), usd("390"));
    let same = Election { stable: BTC, ..election };
    refused(book.post(|ctx, header| fixed_price::post_election(ctx, header, &same)), OutcomeCode::InvalidField, "/stable");
}

fn position(book: &Book, room: &str) -> RecoveryPosition {
    RecoveryPosition {
        gross: book.claimed(no::RECOVERIES, BTC, 1),
        allowance: book.owed(no::RECOVERIES_ALLOWANCE, BTC, 1),
        loss_room: usd(room),
    }
}

fn expect_recovery(book: &mut Book, text: &str, room: &str) -> Result<Balanced, Rejection> {
    let input = RecoveryRecognised { incident: ONE, asset: BTC, quantity: book.units(BTC, text), loss_room: usd(room) };
    book.post(|ctx, header| recovery::post_recognised(ctx, header, &input))
}

fn receive_recovery(book: &mut Book, text: &str, room: &str) -> Balanced {
    let input = RecoveryReceived { incident: ONE, receipt: book.receipt(COLD, BTC, text), position: position(book, room) };
    book.post(|ctx, header| recovery::post_received(ctx, header, &input)).unwrap()
}

#[test]
fn a_recovery_is_recognised_up_to_the_loss_and_what_comes_above_it_is_income() {
    let mut book = book();
    refused(expect_recovery(&mut book, "1", "0"), OutcomeCode::AboveLimit, "/quantity");
    let entry = expect_recovery(&mut book, "2", "9000").unwrap();
    assert_eq!((on(&entry, no::RECOVERIES), units_on(&entry, no::RECOVERIES, BTC)), (usd("9000"), book.units(BTC, "2")));
    // 2 BTC at 6,000 clear 9,000; 1,000 of room remain for 5150, the rest is above the loss.
    let entry = receive_recovery(&mut book, "2", "1000");
    assert_eq!((on(&entry, no::RECOVERIES), on(&entry, no::LOSS_RECOVERIES)), (usd("-9000"), usd("-1000")));
    assert_eq!(on(&entry, no::RECOVERIES_ABOVE_LOSS), usd("-2000"));
    // A receipt that nothing was expected for, with no room: all of it, and its units, is above the loss.
    let entry = receive_recovery(&mut book, "0.5", "0");
    assert_eq!(units_on(&entry, no::RECOVERIES_ABOVE_LOSS, BTC), book.units(BTC, "-0.5"));
}

#[test]
fn a_recovery_that_brings_less_than_expected_lowers_what_was_recovered() {
    let mut book = book();
    expect_recovery(&mut book, "2", "99999").unwrap();
    book.price(BTC, "5000");
    let entry = receive_recovery(&mut book, "2", "99999");
    assert_eq!((on(&entry, no::RECOVERIES), on(&entry, no::LOSS_RECOVERIES)), (usd("-12000"), usd("2000")));
}

#[test]
fn an_allowance_gives_way_when_a_doubtful_claim_is_paid_and_covers_its_write_off() {
    let mut book = book();
    expect_recovery(&mut book, "1", "99999").unwrap();
    let claim = SubrogatedClaim { incident: ONE, asset: BTC, quantity: book.units(BTC, "4") };
    book.post(|ctx, header| subrogation::post(ctx, header, &claim)).unwrap();
    let entry = receive_recovery(&mut book, "2", "99999");
    assert_eq!((on(&entry, no::RECOVERIES), on(&entry, no::RECOVERIES_ALLOWANCE)), (usd("-12000"), usd("6000")));
    assert_eq!(on(&entry, no::LOSS_RECOVERIES), usd("-6000"));

    expect_recovery(&mut book, "1", "99999").unwrap();
    let write_off = |book: &mut Book, text| {
        let RecoveryPosition { gross, allowance, .. } = position(book, "0");
        let input = WriteOff { incident: ONE, asset: BTC, quantity: book.units(BTC, text), gross, allowance };
        book.post(|ctx, header| subrogation::post_write_off(ctx, header, &input))
    };
    refused(write_off(&mut book, "4.1"), OutcomeCode::InsufficientUnits, "/quantity");
    let entry = write_off(&mut book, "4").unwrap();
    assert_eq!((on(&entry, no::RECOVERIES_ALLOWANCE), on(&entry, no::ASSET_LOSS)), (usd("18000"), usd("6000")));
    assert_eq!((book.value(no::RECOVERIES), book.value(no::RECOVERIES_ALLOWANCE)), (Value::ZERO, Value::ZERO));
}

#[test]
fn a_restatement_takes_off_the_unsettled_part_first() {
    let mut book = book();
    let accrual = Accrual { report: None, contributions: vec![(BNB, book.units(BNB, "100"))] };
    book.post(|ctx, header| accrual::post(ctx, header, &accrual)).unwrap();
    book.price(BNB, "12");
    let down = Change::Down(book.units(BNB, "150"), book.trial.debit(no::CONTRIBUTIONS_RECEIVABLE, BNB));
    let changes = vec![(BNB, down), (BTC, Change::Up(book.units(BTC, "1")))];
    let restatement = Restatement { report: None, changes };
    let entry = book.post(|ctx, header| restatement::post(ctx, header, &restatement)).unwrap();
    let totals = TrialBalance::of_postings(entry.lines()).unwrap();
    assert_eq!(totals.get(no::CONTRIBUTIONS_RECEIVABLE, BNB).value, usd("-1000"));
    assert_eq!(totals.get(no::REFUNDABLE, BNB).value, usd("-600"));
    assert_eq!(totals.get(no::RESTATEMENTS, BNB).value, usd("1600"));
    assert_eq!(totals.get(no::CONTRIBUTIONS_RECEIVABLE, BTC).value, usd("6000"));
}

#[test]
fn handling_cost_is_paid_from_the_bank_or_in_kind_but_only_out_of_its_reserve() {
    let mut book = book();
    recognise(&mut book, "1", "500").unwrap();
    capital(&mut book, BANK, USD, "300").unwrap();
    refused(capital(&mut book, BANK, BTC, "1"), OutcomeCode::InvalidField, "/asset");
    let pay = |book: &mut Book, amount, from, asset, text| {
        let reserve = book.owed(no::CLAIMS_HANDLING, USD, 1);
        let (amount, quantity) = (book.units(USD, amount), book.units(asset, text));
        let input = ClaimsHandlingPayment { incident: ONE, amount, reserve, from, asset, quantity };
        book.post(|ctx, header| claims_handling::post(ctx, header, &input))
    };
    refused(pay(&mut book, "300.01", BANK, USD, "300.01"), OutcomeCode::InsufficientUnits, "/quantity");
    refused(pay(&mut book, "500.01", BANK, USD, "500.01"), OutcomeCode::InsufficientUnits, "/amount");
    refused(pay(&mut book, "200", BANK, USD, "199"), OutcomeCode::InvalidField, "/quantity");
    let entry = pay(&mut book, "300", BANK, USD, "300").unwrap();
    assert_eq!((on(&entry, no::BANK), on(&entry, no::CLAIMS_HANDLING)), (usd("-300"), usd("300")));
    assert_eq!(units_on(&entry, no::CONVERSION, USD), Quantity::ZERO);
    book.price(USDC, "0.99");
    let entry = pay(&mut book, "200", COLD, USDC, "203").unwrap();
    assert_eq!((on(&entry, no::CONVERSION_COST), on(&entry, no::REALISED)), (usd("0.97"), usd("2.03")));
    assert_eq!(units_on(&entry, no::CONVERSION, USD), book.units(USD, "-200"));
    assert_eq!(book.value(no::CLAIMS_HANDLING), Value::ZERO);
}

#[test]
fn lost_units_leave_at_cost_and_take_their_adjustment_along() {
    let mut book = book();
    let loss = AssetLoss { incident: None, place: COLD, asset: BTC, quantity: book.units(BTC, "1") };
    let entry = book.post(|ctx, header| asset_loss::post(ctx, header, &loss)).unwrap();
    assert_eq!((on(&entry, no::ASSET_LOSS), on(&entry, no::REALISED)), (usd("5000"), Value::ZERO));
    assert_eq!((on(&entry, no::FAIR_VALUE_ADJUSTMENT), on(&entry, no::UNREALISED)), (usd("-1000"), usd("1000")));
    assert_eq!(book.mark(), None);
}

#[test]
fn a_shortfall_can_be_released_by_law_and_an_undertaking_become_due() {
    let mut book = book();
    recognise(&mut book, "4", "0").unwrap();
    approve(&mut book, "4").unwrap();
    let cut =
        Shortfall { incident: ONE, asset: BTC, quantity: book.units(BTC, "3"), payable: book.owed(no::CLAIMS_PAYABLE, BTC, 1) };
    book.post(|ctx, header| shortfall::post(ctx, header, &cut)).unwrap();
    let release = |book: &mut Book, account, text| {
        let (quantity, carrying) = (book.units(BTC, text), book.owed(account, BTC, 1));
        let input = LegalRelease { incident: ONE, account, asset: BTC, quantity, carrying };
        book.post(|ctx, header| shortfall::post_released(ctx, header, &input))
    };
    let entry = release(&mut book, no::RECOVERY_RIGHTS, "3").unwrap();
    assert_eq!((entry.draft().event, on(&entry, no::RELEASE_GAIN)), (Event::RemainderReleased, usd("-18000")));
    assert_eq!(on(&release(&mut book, no::CLAIMS_PAYABLE, "1").unwrap(), no::RELEASE_GAIN), usd("-6000"));
    refused(release(&mut book, no::UNCLAIMED, "1"), OutcomeCode::InvalidField, "/account");
    let amount = book.units(USD, "1000");
    let entry = book.post(|ctx, header| sponsor::post_enforceable(ctx, header, amount)).unwrap();
    assert_eq!((on(&entry, no::TOP_UP_RECEIVABLE), on(&entry, no::SPONSOR_CAPITAL)), (usd("1000"), usd("-1000")));
}

#[test]
fn escheated_units_are_paid_to_the_authority_in_kind() {
    let mut book = book();
    recognise(&mut book, "1", "0").unwrap();
    approve(&mut book, "1").unwrap();
    let input = |book: &Book, account| Unclaimed {
        incident: ONE,
        asset: BTC,
        quantity: book.units(BTC, "1"),
        carrying: book.owed(account, BTC, 1),
    };
    let claim = input(&book, no::CLAIMS_PAYABLE);
    book.post(|ctx, header| unclaimed::post_undeliverable(ctx, header, &claim)).unwrap();
    let expired = input(&book, no::UNCLAIMED);
    book.post(|ctx, header| unclaimed::post_escheated(ctx, header, &expired)).unwrap();
    let owed = input(&book, no::ESCHEAT);
    let entry = book.post(|ctx, header| unclaimed::post_escheat_paid(ctx, header, COLD, &owed)).unwrap();
    assert_eq!(
        (on(&entry, no::ESCHEAT), on(&entry, no::COLD), on(&entry, no::REALISED)),
        (usd("6000"), usd("-5000"), usd("-1000"))
    );
}

#[test]
fn an_unidentified_receipt_may_prove_to_be_a_recovery_or_capital() {
    let mut book = book();
    expect_recovery(&mut book, "1", "99999").unwrap();
    book.price(BTC, "6500");
    let receipt = book.receipt(COLD, BTC, "2");
    book.post(|ctx, header| suspense::post_received(ctx, header, &receipt)).unwrap();
    let identify = |book: &mut Book, identity| {
        let (quantity, suspense) = (book.units(BTC, "1"), book.trial.credit(no::SUSPENSE, BTC));
        let input = Identification { asset: BTC, quantity, suspense, identity };
        book.post(|ctx, header| suspense::post_identified(ctx, header, &input))
    };
    let found = Identity::Recovery(ONE, position(&book, "99999"));
    let entry = identify(&mut book, found).unwrap();
    assert_eq!((on(&entry, no::RECOVERIES), on(&entry, no::LOSS_RECOVERIES)), (usd("-6000"), usd("-500")));
    let entry = identify(&mut book, Identity::Capital).unwrap();
    assert_eq!(on(&entry, no::SPONSOR_CAPITAL), usd("-6500"));
    refused(identify(&mut book, Identity::Capital), OutcomeCode::InsufficientUnits, "/quantity");
}

#[test]
fn only_income_and_expense_are_closed() {
    let mut book = book();
    assert!(book.close().is_some());
    assert_eq!(book.close(), None);
    let wrong =
        ClosingBalance { account: no::COLD, asset: BTC, dims: Default::default(), quantity: Quantity(1), value: Value(1) };
    let result = book.post_some(|ctx, header| close::post(ctx, header, &[wrong]));
    refused(result, OutcomeCode::InvalidField, "/balances/0/account");
}

#[test]
fn a_reversal_undoes_an_entry_once_and_gives_units_back_to_their_lots() {
    let mut book = book();
    let before = (book.trial.clone(), book.lots.clone());
    let fee = Some(NetworkFee { place: COLD, asset: BTC, quantity: book.units(BTC, "0.5") });
    let transfer = Transfer { from: COLD, to: PAYOUT, asset: BTC, quantity: book.units(BTC, "9.5"), fee };
    book.post(|ctx, header| transfer::post(ctx, header, &transfer)).unwrap();
    let number = book.entries.len();
    let entry = book.reverse(number).unwrap();
    assert_eq!(entry.draft().event, Event::Reversal);
    for (account, asset, amounts) in book.trial.rows() {
        assert_eq!(amounts, before.0.get(account, asset), "account {account}");
    }
    let open: Vec<_> = book.lots.open().collect();
    assert_eq!(open, before.1.open().collect::<Vec<_>>());
    refused(book.reverse(number), OutcomeCode::AlreadyReversed, "/entry");
    refused(book.reverse(number.saturating_add(1)), OutcomeCode::WrongState, "/entry");
}

#[test]
fn an_opening_that_was_used_and_a_valuation_are_not_reversed() {
    let mut book = book();
    let transfer = Transfer { from: COLD, to: PAYOUT, asset: BTC, quantity: Quantity(1), fee: None };
    book.post(|ctx, header| transfer::post(ctx, header, &transfer)).unwrap();
    // Entry 1 gave the 10 BTC, of which one unit has moved on; entry 4 marked them.
    refused(book.reverse(1), OutcomeCode::WrongState, "/entry");
    refused(book.reverse(4), OutcomeCode::WrongState, "/entry");
    book.close().unwrap();
    let closing = book.entries.len();
    refused(book.reverse(closing), OutcomeCode::WrongState, "/entry");
    // Entry 2 gave the USDC, untouched.
    book.reverse(2).unwrap();
    assert_eq!(book.trial.get(no::COLD, USDC).quantity, Quantity::ZERO);
}
