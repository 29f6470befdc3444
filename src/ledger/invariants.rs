//! What must hold in every book at every moment, or at every close. Each check gives what it found wrong, in words.

use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::ids::LotId;
use crate::domain::lot::Lot;
use crate::domain::price::Price;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::trial_balance::{Amounts, TrialBalance};
use std::collections::{BTreeMap, BTreeSet};

/// Something that must never be. It means that the program is wrong or that stored data was changed outside of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Units of an asset do not sum to zero.
    #[error("units of asset {asset:?} sum to {by:?} instead of zero")]
    Units {
        /// The asset.
        asset: AssetId,
        /// The sum.
        by: Quantity,
    },
    /// Values do not sum to zero.
    #[error("values sum to {0} instead of zero")]
    Value(Value),
    /// Clearing carries value; it may carry units only.
    #[error("conversion clearing carries {value} in asset {asset:?}")]
    Clearing {
        /// The asset.
        asset: AssetId,
        /// The value.
        value: Value,
    },
    /// A lot holds less than nothing.
    #[error("lot {0} holds less than nothing")]
    LotNegative(LotId),
    /// A lot is empty but has a cost.
    #[error("lot {lot} is empty but costs {cost}")]
    EmptyLotCosts {
        /// The lot.
        lot: LotId,
        /// Its cost.
        cost: Value,
    },
    /// Lots and account differ.
    #[error("account {account} in asset {asset:?} stands at {booked:?}, its lots add up to {lots:?}")]
    LotsDiffer {
        /// The account.
        account: AccountNo,
        /// The asset.
        asset: AssetId,
        /// What stands on the account.
        booked: Amounts,
        /// What the lots add up to.
        lots: Amounts,
    },
    /// Cost and adjustment are not the fair value.
    #[error("asset {asset:?} is carried at {carried}, its fair value is {fair}")]
    NotAtFairValue {
        /// The asset.
        asset: AssetId,
        /// Cost + 1190.
        carried: Value,
        /// Quantity × price.
        fair: Value,
    },
    /// An obligation in kind is not at quantity × price.
    #[error("account {account} in asset {asset:?} is carried at {carried}, its measure is {fair}")]
    ObligationOff {
        /// The account.
        account: AccountNo,
        /// The asset.
        asset: AssetId,
        /// What it is carried at.
        carried: Value,
        /// Quantity × price.
        fair: Value,
    },
    /// There is no price, or a sum does not fit.
    #[error("asset {0:?} cannot be measured: there is no price, or a sum does not fit")]
    Unmeasured(AssetId),
    /// A sum over assets does not fit.
    #[error("a sum of the trial balance does not fit")]
    Overflow,
}

/// Every asset sums to zero in units, the whole to zero in value, and clearing carries no value. Holds at every moment.
pub fn balances(trial: &TrialBalance) -> Vec<Violation> {
    let Some((units, value)) = trial.totals() else { return vec![Violation::Overflow] };
    let mut found: Vec<_> =
        units.into_iter().filter(|(_, by)| !by.is_zero()).map(|(asset, by)| Violation::Units { asset, by }).collect();
    if !value.is_zero() {
        found.push(Violation::Value(value));
    }
    let clearing = trial.rows().filter(|(account, _, amounts)| *account == no::CONVERSION && !amounts.value.is_zero());
    found.extend(clearing.map(|(_, asset, amounts)| Violation::Clearing { asset, value: amounts.value }));
    found
}

/// No lot is negative, an empty lot costs nothing, and lots add up to their accounts. Holds at every moment; `lots` may leave
/// empty ones out.
pub fn lots<'l>(trial: &TrialBalance, lots: impl IntoIterator<Item = &'l Lot>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut sums: BTreeMap<(AccountNo, AssetId), Amounts> = BTreeMap::new();
    for lot in lots {
        if lot.quantity < Quantity::ZERO || lot.cost < Value::ZERO {
            found.push(Violation::LotNegative(lot.id));
        }
        if lot.quantity.is_zero() && !lot.cost.is_zero() {
            found.push(Violation::EmptyLotCosts { lot: lot.id, cost: lot.cost });
        }
        let sum = sums.entry((lot.account, lot.asset)).or_default();
        match sum.plus(lot.quantity, lot.cost) {
            Some(next) => *sum = next,
            None => found.push(Violation::Overflow),
        }
    }
    let booked = trial.rows().filter(|(account, ..)| no::HOLDINGS.contains(account)).map(|(account, asset, _)| (account, asset));
    let places: BTreeSet<_> = booked.chain(sums.keys().copied()).collect();
    for (account, asset) in places {
        let (booked, lots) = (trial.get(account, asset), sums.get(&(account, asset)).copied().unwrap_or_default());
        if booked != lots {
            found.push(Violation::LotsDiffer { account, asset, booked, lots });
        }
    }
    found
}

/// Cost + 1190 = quantity × price for every asset held. Holds right after mark to market, and at every close.
pub fn holdings_at_fair_value(trial: &TrialBalance, assets: &AssetTable, prices: &BTreeMap<AssetId, Price>) -> Vec<Violation> {
    let relevant = |account: &AccountNo| no::HOLDINGS.contains(account) || *account == no::FAIR_VALUE_ADJUSTMENT;
    let held: BTreeSet<AssetId> = trial.rows().filter(|(account, ..)| relevant(account)).map(|(_, asset, _)| asset).collect();
    let mut found = Vec::new();
    for asset in held {
        let carried =
            trial.rows().filter(|(account, of, _)| *of == asset && relevant(account)).map(|(_, _, amounts)| amounts.value);
        let fair = trial.units_of(&no::HOLDINGS, asset).and_then(|units| measure(assets, prices, asset, units));
        match (Value::checked_sum(carried), fair) {
            (Some(carried), Some(fair)) if carried == fair => {}
            (Some(carried), Some(fair)) => found.push(Violation::NotAtFairValue { asset, carried, fair }),
            _ => found.push(Violation::Unmeasured(asset)),
        }
    }
    found
}

/// Every obligation owed in kind carries quantity × price. Give `obligations` as they are remeasured (account, asset, and per
/// incident), with units and values above zero. Holds right after remeasurement, and at every close.
pub fn obligations_at_price(
    obligations: impl IntoIterator<Item = (AccountNo, AssetId, Quantity, Value)>,
    assets: &AssetTable,
    prices: &BTreeMap<AssetId, Price>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for (account, asset, quantity, carried) in obligations {
        match measure(assets, prices, asset, quantity) {
            Some(fair) if fair == carried => {}
            Some(fair) => found.push(Violation::ObligationOff { account, asset, carried, fair }),
            None => found.push(Violation::Unmeasured(asset)),
        }
    }
    found
}

fn measure(assets: &AssetTable, prices: &BTreeMap<AssetId, Price>, asset: AssetId, quantity: Quantity) -> Option<Value> {
    if quantity.is_zero() {
        return Some(Value::ZERO);
    }
    let price = assets.price(prices, asset).ok()?;
    assets.fair_value(asset, quantity, price).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::asset::{Asset, AssetCode};
    use crate::domain::ids::WalletId;
    use crate::domain::text::Name;
    use jiff::civil::date;

    const USD: AssetId = AssetId(1);
    const BTC: AssetId = AssetId(2);

    fn lot(quantity: i128, cost: i128) -> Lot {
        Lot {
            id: LotId(7),
            account: no::COLD,
            wallet: WalletId(1),
            asset: BTC,
            acquired_on: date(2019, 1, 1),
            quantity: Quantity(quantity),
            cost: Value(cost),
            mark: None,
        }
    }

    fn trial(rows: &[(AccountNo, AssetId, i128, i128)]) -> TrialBalance {
        TrialBalance::of_balances(rows.iter().map(|&(account, asset, q, v)| (account, asset, Quantity(q), Value(v)))).unwrap()
    }

    fn assets() -> AssetTable {
        let asset = |id, code, scale| Asset {
            id,
            code: AssetCode::parse(code).unwrap(),
            network: Name::parse("x").unwrap(),
            scale,
            own_token: false,
        };
        AssetTable::new(USD, [asset(USD, "USD", 2), asset(BTC, "BTC", 8)]).unwrap()
    }

    #[test]
    fn what_does_not_sum_to_zero_is_named() {
        let whole = trial(&[(no::COLD, BTC, 5, 10), (no::SPONSOR_CAPITAL, BTC, -5, -10)]);
        assert_eq!(balances(&whole), []);
        let off = trial(&[(no::COLD, BTC, 5, 10), (no::CONVERSION, BTC, -4, -11)]);
        let expected = [
            Violation::Units { asset: BTC, by: Quantity(1) },
            Violation::Value(Value(-1)),
            Violation::Clearing { asset: BTC, value: Value(-11) },
        ];
        assert_eq!(balances(&off), expected);
        assert_eq!(balances(&trial(&[(no::COLD, BTC, i128::MAX, 0), (no::PAYOUT, BTC, 1, 0)])), [Violation::Overflow]);
    }

    #[test]
    fn lots_that_are_impossible_or_differ_from_their_account_are_named() {
        let booked = trial(&[(no::COLD, BTC, 5, 10)]);
        assert_eq!(lots(&booked, &[lot(5, 10)]), []);
        assert!(matches!(lots(&booked, &[lot(5, 9)])[..], [Violation::LotsDiffer { account: no::COLD, .. }]));
        assert!(matches!(lots(&booked, &[])[..], [Violation::LotsDiffer { .. }]));
        assert!(lots(&booked, &[lot(0, 1)]).contains(&Violation::EmptyLotCosts { lot: LotId(7), cost: Value(1) }));
        assert!(lots(&booked, &[lot(-1, 0)]).contains(&Violation::LotNegative(LotId(7))));
    }

    #[test]
    fn holdings_and_obligations_off_their_price_are_named() {
        let prices = BTreeMap::from([(BTC, Price::parse("2").unwrap())]);
        let held = |adjustment| trial(&[(no::COLD, BTC, 5, 7), (no::FAIR_VALUE_ADJUSTMENT, BTC, 0, adjustment)]);
        assert_eq!(holdings_at_fair_value(&held(3), &assets(), &prices), []);
        let off = Violation::NotAtFairValue { asset: BTC, carried: Value(9), fair: Value(10) };
        assert_eq!(holdings_at_fair_value(&held(2), &assets(), &prices), [off]);
        assert_eq!(holdings_at_fair_value(&held(3), &assets(), &BTreeMap::new()), [Violation::Unmeasured(BTC)]);

        let owed = |value| [(no::CASE_RESERVES, BTC, Quantity(5), Value(value))];
        assert_eq!(obligations_at_price(owed(10), &assets(), &prices), []);
        let off = Violation::ObligationOff { account: no::CASE_RESERVES, asset: BTC, carried: Value(11), fair: Value(10) };
        assert_eq!(obligations_at_price(owed(11), &assets(), &prices), [off]);
    }
}
