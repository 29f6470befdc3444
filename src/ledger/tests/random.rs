//! Random lives of a fund: whatever happens in whatever order, entries balance, lots stay exact and valuations hit the price.

use super::book::{BNB, BTC, Book, COLD, LOCKED, PAYOUT};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::price::Price;
use crate::ledger::lots::LotTable;
use crate::ledger::posting::approval::{self, Approval};
use crate::ledger::posting::encumbrance::{self, Encumbrance};
use crate::ledger::posting::incident::{self, Estimate, Recognition};
use crate::ledger::posting::payout::{self, Payout};
use crate::ledger::posting::rebalance::{self, Rebalance};
use crate::ledger::posting::surplus::{self, Surplus};
use crate::ledger::posting::transfer::{self, NetworkFee, Transfer};
use crate::ledger::posting::{Place, Receipt, sponsor};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Receive(Place, AssetId, i128),
    Transfer(Place, Place, AssetId, i128, i128),
    FeeElsewhere(i128, i128),
    Rebalance(AssetId, i128, i128),
    Release(Place, AssetId, i128),
    Encumber(bool, AssetId, i128),
    Owe(AssetId, i128, i128),
    Approve(AssetId, i128),
    Pay(AssetId, i128),
    Mark(i128, i128),
    Reverse(usize),
}

const ONLY: IncidentId = IncidentId(1);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Small and odd numbers of smallest units against prices of many decimals, so that almost every figure has to be rounded.
    let units = 1_i128..50_000;
    let asset = prop_oneof![Just(BTC), Just(BNB)];
    let place = prop_oneof![Just(COLD), Just(PAYOUT)];
    let price = 1_i128..90_000_000_000;
    let step = prop_oneof![
        4 => (place.clone(), asset.clone(), units.clone()).prop_map(|(p, a, q)| Step::Receive(p, a, q)),
        3 => (place.clone(), place.clone(), asset.clone(), units.clone(), 0_i128..90).prop_map(|(f, t, a, q, fee)| Step::Transfer(f, t, a, q, fee)),
        1 => (units.clone(), 1_i128..90).prop_map(|(q, fee)| Step::FeeElsewhere(q, fee)),
        2 => (asset.clone(), units.clone(), units.clone()).prop_map(|(a, q, r)| Step::Rebalance(a, q, r)),
        3 => (place, asset.clone(), units.clone()).prop_map(|(p, a, q)| Step::Release(p, a, q)),
        2 => (any::<bool>(), asset.clone(), units.clone()).prop_map(|(e, a, q)| Step::Encumber(e, a, q)),
        2 => (asset.clone(), units.clone(), 0_i128..9).prop_map(|(a, q, i)| Step::Owe(a, q, i)),
        2 => (asset.clone(), units.clone()).prop_map(|(a, q)| Step::Approve(a, q)),
        2 => (asset, units).prop_map(|(a, q)| Step::Pay(a, q)),
        3 => (price.clone(), price).prop_map(|(b, n)| Step::Mark(b, n)),
        1 => any::<usize>().prop_map(Step::Reverse),
    ];
    prop::collection::vec(step, 1..60)
}

fn set_prices(book: &mut Book, btc: i128, bnb: i128) {
    for (asset, minor) in [(BTC, btc), (BNB, bnb)] {
        let price = Price::parse(&crate::domain::amount::format_minor(minor, 6)).unwrap();
        book.prices.insert(asset, price);
    }
}

fn run(book: &mut Book, step: &Step) -> Result<Option<Balanced>, Rejection> {
    let some = |result: Result<Balanced, Rejection>| result.map(Some);
    match *step {
        Step::Receive(place, asset, q) => {
            let receipt = Receipt { place, asset, quantity: Quantity(q) };
            some(book.post(|ctx, header| sponsor::post_capital(ctx, header, &[receipt])))
        }
        Step::Transfer(from, to, asset, q, fee) => {
            let fee = (fee > 0).then_some(NetworkFee { place: from, asset, quantity: Quantity(fee) });
            let transfer = Transfer { from, to, asset, quantity: Quantity(q), fee };
            some(book.post(|ctx, header| transfer::post(ctx, header, &transfer)))
        }
        Step::FeeElsewhere(q, fee) => {
            let fee = Some(NetworkFee { place: PAYOUT, asset: BNB, quantity: Quantity(fee) });
            let transfer = Transfer { from: COLD, to: PAYOUT, asset: BTC, quantity: Quantity(q), fee };
            some(book.post(|ctx, header| transfer::post(ctx, header, &transfer)))
        }
        Step::Rebalance(sold, q, back) => {
            let asset = if sold == BTC { BNB } else { BTC };
            let bought = Receipt { place: COLD, asset, quantity: Quantity(back) };
            let rebalance = Rebalance { from: COLD, sold, quantity: Quantity(q), bought };
            some(book.post(|ctx, header| rebalance::post(ctx, header, &rebalance)))
        }
        Step::Release(from, asset, q) => {
            let surplus = Surplus { against: no::SPONSOR_CAPITAL, from, asset, quantity: Quantity(q) };
            some(book.post(|ctx, header| surplus::post(ctx, header, &surplus)))
        }
        Step::Encumber(lock, asset, q) => {
            let (from, to) = if lock { (COLD, LOCKED) } else { (LOCKED, COLD) };
            let input = Encumbrance { from, to, asset, quantity: Quantity(q) };
            some(book.post(|ctx, header| encumbrance::post(ctx, header, &input)))
        }
        Step::Owe(asset, case, ibnr) => {
            let estimates = vec![Estimate { asset, case: Quantity(case), ibnr: Quantity(ibnr) }];
            let input = Recognition { incident: ONLY, estimates, handling: Quantity::ZERO };
            some(book.post(|ctx, header| incident::post(ctx, header, &input)))
        }
        Step::Approve(asset, q) => {
            let case_reserve = book.owed(no::CASE_RESERVES, asset, ONLY.0);
            let input = Approval { incident: ONLY, asset, quantity: Quantity(q), case_reserve };
            some(book.post(|ctx, header| approval::post(ctx, header, &input)))
        }
        Step::Pay(asset, q) => {
            book.remeasure();
            let payable = book.owed(no::CLAIMS_PAYABLE, asset, ONLY.0);
            let input = Payout { incident: ONLY, from: PAYOUT, asset, quantity: Quantity(q), payable };
            some(book.post(|ctx, header| payout::post(ctx, header, &input)))
        }
        Step::Mark(btc, bnb) => {
            set_prices(book, btc, bnb);
            book.remeasure();
            Ok(book.mark())
        }
        Step::Reverse(which) => match which.checked_rem(book.entries.len()) {
            Some(at) => some(book.reverse(at.saturating_add(1))),
            None => Ok(None),
        },
    }
}

/// Gives everything away; nothing may be left in lots, at cost, or in the adjustment.
fn empty_out(book: &mut Book) {
    for asset in [BTC, BNB] {
        let locked = book.trial.get(no::ENCUMBERED, asset).quantity;
        if locked > Quantity::ZERO {
            run(book, &Step::Encumber(false, asset, locked.minor())).unwrap();
        }
        for place in [COLD, PAYOUT] {
            let held = book.trial.get(place.account, asset).quantity;
            if held > Quantity::ZERO {
                run(book, &Step::Release(place, asset, held.minor())).unwrap();
            }
        }
    }
    book.mark();
    assert_eq!(book.lots.open().count(), 0);
    for account in [no::COLD, no::PAYOUT, no::ENCUMBERED, no::FAIR_VALUE_ADJUSTMENT] {
        assert_eq!(book.value(account), Value::ZERO, "account {account} of an empty fund");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn books_stay_whole_whatever_happens(steps in steps()) {
        let mut book = Book::new();
        set_prices(&mut book, 6_000_123_457, 12_345_679);
        // The book checks balance, lots and valuation after every entry.
        for step in &steps {
            if let Err(rejection) = run(&mut book, step) {
                let expected = [OutcomeCode::InsufficientUnits, OutcomeCode::InvalidField, OutcomeCode::WrongState, OutcomeCode::AlreadyReversed];
                prop_assert!(expected.contains(&rejection.code), "{step:?}: {rejection}");
            }
        }
        book.close();
        for (account, _, amounts) in book.trial.rows() {
            prop_assert!(!(4000..6000).contains(&account.0) || amounts.is_zero());
        }
        empty_out(&mut book);

        let mut replayed = LotTable::default();
        for entry in &book.entries {
            replayed.apply(entry).unwrap();
        }
        prop_assert_eq!(replayed, book.lots);
    }
}
