//! Replays the worked story of the accounting rules, event by event, through the posting rules: every entry's totals by account
//! and asset, the trial balance before the close, and the ratios must agree to the last digit.

use super::book::{BNB, BTC, Book, COLD, LOCKED, PAYOUT, USD, USDC};
use super::fund_story::Expected;
use crate::domain::account::no;
use crate::domain::amount::Value;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::price::Price;
use crate::ledger::posting::accrual::{self, Accrual};
use crate::ledger::posting::approval::{self, Approval};
use crate::ledger::posting::asset_loss::{self, AssetLoss};
use crate::ledger::posting::case_revision::{self, CaseRevision, Revision};
use crate::ledger::posting::claims_handling::{self, ClaimsHandlingPayment};
use crate::ledger::posting::encumbrance::{self, Encumbrance};
use crate::ledger::posting::fixed_price::{self, Election, FixedPayout};
use crate::ledger::posting::ibnr::{self, IbnrChange};
use crate::ledger::posting::incident::{self, Estimate, Recognition};
use crate::ledger::posting::loan;
use crate::ledger::posting::payout::{self, Payout};
use crate::ledger::posting::rebalance::{self, Rebalance};
use crate::ledger::posting::recovery::{self, RecoveryPosition, RecoveryReceived, RecoveryRecognised};
use crate::ledger::posting::restatement::{self, Change, Offset, Restatement};
use crate::ledger::posting::rights::{self, Rights};
use crate::ledger::posting::settlement::{self, Settlement};
use crate::ledger::posting::shortfall::{self, Shortfall};
use crate::ledger::posting::sponsor;
use crate::ledger::posting::subrogation::{self, SubrogatedClaim, WriteOff};
use crate::ledger::posting::surplus::{self, Surplus};
use crate::ledger::posting::suspense::{self, Identification, Identity};
use crate::ledger::posting::transfer::{self, NetworkFee, Transfer};
use crate::ledger::posting::unclaimed::{self, Unclaimed};
use crate::ledger::posting::yields::{self, YieldAccrued, YieldReceived};
use std::collections::BTreeSet;

const FIRST: IncidentId = IncidentId(1);
const SECOND: IncidentId = IncidentId(2);

struct Story {
    book: Book,
    expected: Expected,
}

impl Story {
    fn new() -> Self {
        Self { book: Book::new(), expected: Expected::new() }
    }

    /// Compares an entry with the next `codes.len()` entries of the story taken together.
    fn expect(&mut self, entry: &Balanced, codes: &[&str]) {
        let assets = &self.book.assets;
        let find = |code: &str| [USD, BTC, BNB, USDC].into_iter().find(|asset| assets.code(*asset) == code).unwrap();
        self.expected.check(entry.lines(), codes, |code| (find(code), assets.get(find(code)).unwrap().scale));
    }

    fn contributions(&mut self) {
        let book = &mut self.book;
        book.price(BNB, "10");
        book.price(BTC, "6000");
        let (bnb, btc, usdc) = (book.units(BNB, "10000"), book.units(BTC, "10"), book.units(USDC, "40000"));
        let accrual = Accrual { report: None, contributions: vec![(BNB, bnb), (BTC, btc), (USDC, usdc)] };
        let entry = book.post(|ctx, header| accrual::post(ctx, header, &accrual)).unwrap();
        self.expect(&entry, &["E01"]);

        let book = &mut self.book;
        book.price(BNB, "10.5");
        book.price(BTC, "6100");
        let receivable = [BNB, BTC, USDC].map(|asset| (asset, book.trial.debit(no::CONTRIBUTIONS_RECEIVABLE, asset))).into();
        let receipts = accrual.contributions.iter().map(|&(asset, _)| asset).zip(["10000", "10", "40000"]);
        let receipts = receipts.map(|(asset, text)| book.receipt(COLD, asset, text)).collect();
        let settlement = Settlement { receipts, receivable };
        let entry = book.post(|ctx, header| settlement::post(ctx, header, &settlement)).unwrap();
        self.expect(&entry, &["E02"]);
    }

    fn capital_and_yield(&mut self) {
        let book = &mut self.book;
        book.price(BTC, "6000");
        let receipts = [book.receipt(COLD, BTC, "400"), book.receipt(COLD, USDC, "300000")];
        let entry = book.post(|ctx, header| sponsor::post_capital(ctx, header, &receipts)).unwrap();
        self.expect(&entry, &["E19a"]);

        let accrued = YieldAccrued { asset: USDC, quantity: self.book.units(USDC, "1000") };
        let entry = self.book.post(|ctx, header| yields::post_accrued(ctx, header, &accrued)).unwrap();
        self.expect(&entry, &["E03a"]);
        let receivable = self.book.trial.debit(no::YIELD_RECEIVABLE, USDC);
        let received = YieldReceived { receipt: self.book.receipt(COLD, USDC, "1000"), receivable };
        let entry = self.book.post(|ctx, header| yields::post_received(ctx, header, &received)).unwrap();
        self.expect(&entry, &["E03b"]);

        self.book.price(BNB, "12");
        self.book.price(BTC, "5850");
        let entry = self.book.mark().unwrap();
        assert_eq!(entry.draft().marks.len(), 3);
        self.expect(&entry, &["E04"]);
    }

    fn transfer_and_rebalance(&mut self) {
        let book = &mut self.book;
        let fee = NetworkFee { place: COLD, asset: BTC, quantity: book.units(BTC, "0.002") };
        let transfer = Transfer { from: COLD, to: PAYOUT, asset: BTC, quantity: book.units(BTC, "99.998"), fee: Some(fee) };
        let entry = book.post(|ctx, header| transfer::post(ctx, header, &transfer)).unwrap();
        self.expect(&entry, &["E05"]);
        let moved: Vec<_> =
            self.book.lots.open().filter(|lot| lot.account == no::PAYOUT).map(|lot| (lot.quantity, lot.cost)).collect();
        let lot = |units, cost| (self.book.units(BTC, units), Value::parse(cost).unwrap());
        assert_eq!(moved, [lot("10", "61000"), lot("89.998", "539988")]);

        let book = &mut self.book;
        let rebalance =
            Rebalance { from: COLD, sold: BNB, quantity: book.units(BNB, "5000"), bought: book.receipt(COLD, BTC, "10.2") };
        let entry = book.post(|ctx, header| rebalance::post(ctx, header, &rebalance)).unwrap();
        self.expect(&entry, &["E06"]);
    }

    fn recognise(&mut self, incident: IncidentId, asset: AssetId, case: &str, ibnr: &str, handling: &str, code: &str) {
        let book = &mut self.book;
        let estimate = Estimate { asset, case: book.units(asset, case), ibnr: book.units(asset, ibnr) };
        let handling = book.units(USD, handling);
        let estimates = if case == "0" { Vec::new() } else { vec![estimate] };
        let input = Recognition { incident, estimates, handling };
        let entry = book.post(|ctx, header| incident::post(ctx, header, &input)).unwrap();
        self.expect(&entry, &[code]);
    }

    fn incident(&mut self) {
        self.recognise(FIRST, BTC, "300", "20", "50000", "E07");
        let book = &mut self.book;
        let change = |book: &Book, text| IbnrChange {
            incident: FIRST,
            asset: BTC,
            quantity: book.units(BTC, text),
            ibnr: book.owed(no::IBNR, BTC, 1),
        };
        let identified = change(book, "12");
        let entry = book.post(|ctx, header| ibnr::post_identified(ctx, header, &identified)).unwrap();
        self.expect(&entry, &["E08a"]);
        let released = change(&self.book, "3");
        let entry = self.book.post(|ctx, header| ibnr::post_released(ctx, header, &released)).unwrap();
        self.expect(&entry, &["E08b"]);
        let revision =
            CaseRevision { incident: FIRST, asset: BTC, quantity: self.book.units(BTC, "5"), revision: Revision::Raise };
        let entry = self.book.post(|ctx, header| case_revision::post(ctx, header, &revision)).unwrap();
        self.expect(&entry, &["E08c"]);

        self.book.price(BTC, "6200");
        let entry = self.book.remeasure().unwrap();
        self.expect(&entry, &["E09", "E09"]);
        let entry = self.book.mark().unwrap();
        self.expect(&entry, &["E04"]);
    }

    fn approve(&mut self, incident: IncidentId, asset: AssetId, text: &str, code: &str) {
        let case_reserve = self.book.owed(no::CASE_RESERVES, asset, incident.0);
        let approval = Approval { incident, asset, quantity: self.book.units(asset, text), case_reserve };
        let entry = self.book.post(|ctx, header| approval::post(ctx, header, &approval)).unwrap();
        self.expect(&entry, &[code]);
    }

    fn pay(&mut self, incident: IncidentId, asset: AssetId, text: &str, code: &str) {
        let payable = self.book.owed(no::CLAIMS_PAYABLE, asset, incident.0);
        let from = if asset == BTC { PAYOUT } else { COLD };
        let payout = Payout { incident, from, asset, quantity: self.book.units(asset, text), payable };
        let entry = self.book.post(|ctx, header| payout::post(ctx, header, &payout)).unwrap();
        self.expect(&entry, &[code]);
    }

    fn payouts(&mut self) {
        self.approve(FIRST, BTC, "230", "E10");
        let book = &mut self.book;
        let election = Election {
            incident: FIRST,
            asset: BTC,
            quantity: book.units(BTC, "30"),
            payable: book.owed(no::CLAIMS_PAYABLE, BTC, 1),
            fixed_price: Price::parse("5846.34").unwrap(),
            stable: USDC,
        };
        let entry = book.post(|ctx, header| fixed_price::post_election(ctx, header, &election)).unwrap();
        self.expect(&entry, &["E12a"]);
        self.pay(FIRST, BTC, "99.9", "E11");
        let fee = NetworkFee { place: PAYOUT, asset: BTC, quantity: self.book.units(BTC, "0.003") };
        let entry = self.book.post(|ctx, header| payout::post_network_fee(ctx, header, FIRST, &fee)).unwrap();
        self.expect(&entry, &["E13"]);
        let book = &mut self.book;
        let fixed = FixedPayout {
            incident: FIRST,
            from: COLD,
            stable: USDC,
            quantity: book.units(USDC, "175390.2"),
            payable: book.owed(no::CLAIMS_PAYABLE_FIXED, USDC, 1),
        };
        let entry = book.post(|ctx, header| fixed_price::post_payout(ctx, header, &fixed)).unwrap();
        self.expect(&entry, &["E12b"]);
    }

    fn position(&self) -> RecoveryPosition {
        let incurred = [no::INCURRED_CASE, no::INCURRED_IBNR, no::DEVELOPMENT, no::REMEASUREMENT, no::LOSS_RECOVERIES];
        RecoveryPosition {
            gross: self.book.claimed(no::RECOVERIES, BTC, 1),
            allowance: self.book.owed(no::RECOVERIES_ALLOWANCE, BTC, 1),
            loss_room: self.book.trial.value_of(&incurred).unwrap(),
        }
    }

    fn recoveries(&mut self) {
        let quantity = self.book.units(BTC, "40");
        let recognised = RecoveryRecognised { incident: FIRST, asset: BTC, quantity, loss_room: self.position().loss_room };
        let entry = self.book.post(|ctx, header| recovery::post_recognised(ctx, header, &recognised)).unwrap();
        self.expect(&entry, &["E14a"]);
        self.book.price(BTC, "6300");
        let receipt = self.book.receipt(COLD, BTC, "40");
        let received = RecoveryReceived { incident: FIRST, receipt, position: self.position() };
        let entry = self.book.post(|ctx, header| recovery::post_received(ctx, header, &received)).unwrap();
        self.expect(&entry, &["E14b"]);
        self.book.price(BTC, "6200");
        let claim = SubrogatedClaim { incident: FIRST, asset: BTC, quantity: self.book.units(BTC, "60") };
        let entry = self.book.post(|ctx, header| subrogation::post(ctx, header, &claim)).unwrap();
        self.expect(&entry, &["E15"]);
    }

    fn unclaimed(&mut self) {
        let input = |book: &Book, account, text| Unclaimed {
            incident: FIRST,
            asset: BTC,
            quantity: book.units(BTC, text),
            carrying: book.owed(account, BTC, 1),
        };
        let undeliverable = input(&self.book, no::CLAIMS_PAYABLE, "0.5");
        let entry = self.book.post(|ctx, header| unclaimed::post_undeliverable(ctx, header, &undeliverable)).unwrap();
        self.expect(&entry, &["E16a"]);
        let forfeited = input(&self.book, no::UNCLAIMED, "0.2");
        let entry = self.book.post(|ctx, header| unclaimed::post_forfeited(ctx, header, &forfeited)).unwrap();
        self.expect(&entry, &["E16b"]);
        let escheated = input(&self.book, no::UNCLAIMED, "0.3");
        let entry = self.book.post(|ctx, header| unclaimed::post_escheated(ctx, header, &escheated)).unwrap();
        self.expect(&entry, &["E16c"]);
    }

    fn shortfall(&mut self) {
        self.recognise(SECOND, USDC, "1000000", "0", "0", "E07b");
        self.approve(SECOND, USDC, "1000000", "E10b");
        let payable = self.book.owed(no::CLAIMS_PAYABLE, USDC, 2);
        let cut = Shortfall { incident: SECOND, asset: USDC, quantity: self.book.units(USDC, "360670"), payable };
        let entry = self.book.post(|ctx, header| shortfall::post(ctx, header, &cut)).unwrap();
        self.expect(&entry, &["E17"]);
        let receipt = self.book.receipt(COLD, USDC, "700000");
        let entry = self.book.post(|ctx, header| loan::post_received(ctx, header, &receipt)).unwrap();
        self.expect(&entry, &["E19b"]);
        self.pay(SECOND, USDC, "639330", "E11b");
        let rights = |book: &Book, text| Rights {
            incident: SECOND,
            asset: USDC,
            quantity: book.units(USDC, text),
            rights: book.owed(no::RECOVERY_RIGHTS, USDC, 2),
        };
        let redeemed = rights(&self.book, "4260.23404");
        let entry = self.book.post(|ctx, header| rights::post_redeemed(ctx, header, COLD, &redeemed)).unwrap();
        self.expect(&entry, &["E18a"]);
        let converted = rights(&self.book, "100000");
        let entry = self.book.post(|ctx, header| rights::post_converted(ctx, header, &converted)).unwrap();
        self.expect(&entry, &["E18b"]);
        let interest = self.book.units(USDC, "3500");
        let entry = self.book.post(|ctx, header| loan::post_interest(ctx, header, USDC, interest)).unwrap();
        self.expect(&entry, &["E19c"]);
    }

    fn losses_and_restatement(&mut self) {
        let loss = AssetLoss { incident: None, place: COLD, asset: USDC, quantity: self.book.units(USDC, "1000") };
        let entry = self.book.post(|ctx, header| asset_loss::post(ctx, header, &loss)).unwrap();
        self.expect(&entry, &["E20"]);
        let RecoveryPosition { gross, allowance, .. } = self.position();
        let write_off = WriteOff { incident: FIRST, asset: BTC, quantity: self.book.units(BTC, "60"), gross, allowance };
        let entry = self.book.post(|ctx, header| subrogation::post_write_off(ctx, header, &write_off)).unwrap();
        self.expect(&entry, &["E21"]);

        let quantity = self.book.units(BNB, "600");
        let change = Change::Down(quantity, self.book.trial.debit(no::CONTRIBUTIONS_RECEIVABLE, BNB));
        let restatement = Restatement { report: None, changes: vec![(BNB, change)] };
        let entry = self.book.post(|ctx, header| restatement::post(ctx, header, &restatement)).unwrap();
        self.expect(&entry, &["E22"]);
        let offset = Offset { asset: BNB, quantity, refundable: self.book.trial.credit(no::REFUNDABLE, BNB) };
        let entry = self.book.post(|ctx, header| restatement::post_offset(ctx, header, &offset)).unwrap();
        self.expect(&entry, &["E22b"]);
        let next = Accrual { report: None, contributions: vec![(BNB, self.book.units(BNB, "2000"))] };
        let entry = self.book.post(|ctx, header| accrual::post(ctx, header, &next)).unwrap();
        self.expect(&entry, &["E22c"]);
    }

    fn suspense_to_handling(&mut self) {
        self.book.price(BTC, "6300");
        let receipt = self.book.receipt(COLD, BTC, "1");
        let entry = self.book.post(|ctx, header| suspense::post_received(ctx, header, &receipt)).unwrap();
        self.expect(&entry, &["E26a"]);
        let suspense = self.book.trial.credit(no::SUSPENSE, BTC);
        let identified = Identification { asset: BTC, quantity: receipt.quantity, suspense, identity: Identity::Contribution };
        let entry = self.book.post(|ctx, header| suspense::post_identified(ctx, header, &identified)).unwrap();
        self.expect(&entry, &["E26b"]);
        let encumbrance = Encumbrance { from: COLD, to: LOCKED, asset: BTC, quantity: self.book.units(BTC, "50") };
        let entry = self.book.post(|ctx, header| encumbrance::post(ctx, header, &encumbrance)).unwrap();
        self.expect(&entry, &["E27"]);
        let surplus = Surplus { against: no::SPONSOR_CAPITAL, from: COLD, asset: USDC, quantity: self.book.units(USDC, "10000") };
        let entry = self.book.post(|ctx, header| surplus::post(ctx, header, &surplus)).unwrap();
        self.expect(&entry, &["E28"]);

        self.recognise(FIRST, BTC, "0", "0", "777", "E29a");
        let number = self.book.entries.len();
        let entry = self.book.reverse(number).unwrap();
        self.expect(&entry, &["E29b"]);

        let payment = ClaimsHandlingPayment {
            incident: FIRST,
            amount: self.book.units(USD, "20000"),
            reserve: self.book.owed(no::CLAIMS_HANDLING, USD, 1),
            from: COLD,
            asset: USDC,
            quantity: self.book.units(USDC, "20000"),
        };
        let entry = self.book.post(|ctx, header| claims_handling::post(ctx, header, &payment)).unwrap();
        self.expect(&entry, &["E30"]);
    }

    fn valuation(&mut self) {
        let entry = self.book.remeasure().unwrap();
        self.expect(&entry, &["E09", "E09", "E09", "E09"]);
        let entry = self.book.mark().unwrap();
        self.expect(&entry, &["E04"]);
    }
}

#[test]
fn the_worked_story_is_reproduced_to_the_last_digit() {
    let mut story = Story::new();
    story.contributions();
    story.capital_and_yield();
    story.transfer_and_rebalance();
    story.incident();
    story.payouts();
    story.recoveries();
    story.unclaimed();
    story.shortfall();
    story.losses_and_restatement();
    story.suspense_to_handling();
    story.valuation();
    story.expected.check_trial_balance(&story.book.trial);
    let entry = story.book.close().unwrap();
    story.expect(&entry, &["E24"]);
    story.expected.check_complete();
    story.expected.check_ratios(&story.book.trial, &story.book.assets, &story.book.prices, BTC);

    // The events that the story does not tell are shown with the other rules.
    let told = story.book.entries.iter().map(|entry| entry.draft().event);
    let events: BTreeSet<Event> = told.chain([Event::RemainderReleased, Event::TopUpEnforceable, Event::Manual]).collect();
    assert_eq!(events, Event::ALL.iter().copied().collect());
}
