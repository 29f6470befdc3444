//! The posting desk: what every use case needs to run posting rules on one business day. It loads assets, prices, open lots and
//! carrying amounts, runs a rule, and tells a missing price from a stale one.

use super::posting::Prices;
use super::refs::{FUNCTIONAL, Refs};
use crate::domain::account::AccountNo;
use crate::domain::amount::{Quantity, VALUE_SCALE, Value, format_minor_trimmed};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::ids::{EntryNo, IncidentId};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::price::Price;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::posting::{Carrying, Context, NextLot, Place};
use crate::store::error::StoreError;
use crate::store::projection::{self, Amounts, BalanceKey};
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Assets, prices and limits of one business day.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Reference data.
    pub refs: Refs,
    /// The assets as rules take them.
    pub assets: AssetTable,
    /// The business day.
    pub day: Date,
    set: Prices,
    usable: BTreeMap<AssetId, Price>,
    max_age_hours: i64,
}

impl Desk {
    /// The desk of `day`, with the latest price set at or before it.
    pub fn load(tx: &mut Tx<'_>, day: Date) -> Result<Self, StoreError> {
        let set = Prices::at(tx.conn, day)?;
        Self::with_prices(tx, day, set)
    }

    /// The desk of `day` with given prices: for the command that locks them.
    pub fn with_prices(tx: &mut Tx<'_>, day: Date, set: Prices) -> Result<Self, StoreError> {
        let refs = Refs::load(tx.conn)?;
        let assets = AssetTable::new(FUNCTIONAL, refs.assets.values().cloned())?;
        let max_age_hours = i64::from(super::policies::price_policy(tx.conn, day)?.max_age_hours);
        // A set that is too old gives no price at all; `explain` then says so instead of "missing".
        let known = set.by_asset.iter().map(|(asset, price)| (*asset, *price));
        let usable = known.filter(|(asset, _)| set.require(&refs, *asset, day, max_age_hours).is_ok()).collect();
        Ok(Self { refs, assets, day, set, usable, max_age_hours })
    }

    /// The day of the price set in use.
    pub const fn cutoff_on(&self) -> Option<Date> {
        self.set.cutoff_on
    }

    /// Prices that are not too old, by asset.
    pub const fn prices(&self) -> &BTreeMap<AssetId, Price> {
        &self.usable
    }

    /// The price of an asset.
    ///
    /// # Errors
    /// `PriceMissing`, `PriceStale`.
    pub fn price(&self, asset: AssetId) -> Result<Price, Rejection> {
        self.set.require(&self.refs, asset, self.day, self.max_age_hours)
    }

    /// What units are worth on the day.
    ///
    /// # Errors
    /// `PriceMissing`, `PriceStale`.
    pub fn fair_value(&self, asset: AssetId, quantity: Quantity) -> Result<Value, Rejection> {
        self.assets.fair_value(asset, quantity, self.price(asset)?)
    }

    /// Parses an amount of an asset, zero or more; rules refuse zero where it makes no sense.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownAsset`.
    pub fn amount(&self, pointer: &str, code: &str, text: &str) -> Result<(AssetId, Quantity), Rejection> {
        let asset = self.refs.asset(&sibling(pointer, "asset"), code)?;
        let quantity =
            Quantity::parse_unsigned(text, asset.scale).map_err(|e| Rejection::invalid(pointer, text, e.to_string()))?;
        Ok((asset.id, quantity))
    }

    /// A wallet and the account that carries it.
    ///
    /// # Errors
    /// `UnknownWallet`.
    pub fn place(&self, pointer: &str, wallet: &str) -> Result<Place, Rejection> {
        let (id, account) = self.refs.wallet(pointer, wallet)?;
        Ok(Place::new(id, account))
    }

    /// Runs a rule with the open lots of `assets` and the bank balances of `places`, and takes up the lot numbers it used.
    ///
    /// Entries queued earlier in the same command are not seen: run all rules that touch the same lots in one call.
    pub fn run<'d, T>(
        &'d self,
        tx: &mut Tx<'_>,
        assets: &[AssetId],
        places: &[Place],
        rule: impl FnOnce(&mut Context<'d>) -> Result<T, Rejection>,
    ) -> Result<T, StoreError> {
        let mut lots = Vec::new();
        let mut loaded = std::collections::BTreeSet::new();
        for asset in assets {
            if loaded.insert(*asset) {
                lots.extend(projection::open_lots(tx.conn, Some(*asset))?);
            }
        }
        let next = NextLot::starting_at(tx.head.last_lot.saturating_add(1));
        let mut ctx = Context::new(&self.assets, &self.usable, lots, next);
        for place in places.iter().filter(|place| place.is_bank()) {
            let key = BalanceKey { account: place.account.0, asset: FUNCTIONAL.0, wallet: place.wallet.0, incident: 0 };
            ctx = ctx.with_bank(place.wallet, bank_balance(tx, key)?);
        }
        let result = rule(&mut ctx).map_err(|rejection| self.explain(rejection))?;
        tx.head.last_lot = ctx.next_lot().peek().0.saturating_sub(1);
        Ok(result)
    }

    /// A rule only knows that a price is missing; this says when it is there but too old.
    pub fn explain(&self, rejection: Rejection) -> Rejection {
        if rejection.code != OutcomeCode::PriceMissing {
            return rejection;
        }
        let codes = rejection.problems.iter().filter_map(|problem| problem.pointer.strip_prefix("/prices/"));
        let assets = codes.filter_map(|code| self.refs.asset("", code).ok());
        assets.map(|asset| self.price(asset.id)).find_map(Result::err).unwrap_or(rejection)
    }
}

// Payments of an incident carry its number on the bank line too, so a bank account may have several rows.
fn bank_balance(tx: &mut Tx<'_>, key: BalanceKey) -> Result<Quantity, StoreError> {
    let rows = projection::balances_of_accounts(tx.conn, &[AccountNo(key.account)])?;
    let units =
        rows.iter().filter(|row| row.wallet_id == key.wallet && row.asset_id == key.asset).map(|row| row.quantity.quantity());
    Quantity::checked_sum(units).ok_or_else(|| StoreError::Damaged("a bank balance does not fit".to_owned()))
}

fn sibling(pointer: &str, field: &str) -> String {
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    format!("{parent}/{field}")
}

/// The running balance of an account that has no wallets, signed.
pub fn balance(tx: &mut Tx<'_>, account: AccountNo, asset: AssetId, incident: Option<IncidentId>) -> Result<Amounts, StoreError> {
    let incident = incident.map_or(0, |id| id.0);
    projection::find_balance(tx.conn, BalanceKey { account: account.0, asset: asset.0, wallet: 0, incident })
}

/// What a receivable carries.
pub fn claimed(
    tx: &mut Tx<'_>,
    account: AccountNo,
    asset: AssetId,
    incident: Option<IncidentId>,
) -> Result<Carrying, StoreError> {
    let amounts = balance(tx, account, asset, incident)?;
    Ok(Carrying::debit(amounts.quantity, amounts.value))
}

/// What an obligation or an allowance carries.
pub fn owed(tx: &mut Tx<'_>, account: AccountNo, asset: AssetId, incident: Option<IncidentId>) -> Result<Carrying, StoreError> {
    let amounts = balance(tx, account, asset, incident)?;
    Ok(Carrying::credit(amounts.quantity, amounts.value))
}

/// The loss recognised for an incident less the recoveries recognised so far, over all assets and periods. Closing a period
/// moves account totals only, so the rows of the incident keep their history.
pub fn loss_room(tx: &mut Tx<'_>, incident: IncidentId) -> Result<Value, StoreError> {
    use crate::domain::account::no;
    let accounts = [no::INCURRED_CASE, no::INCURRED_IBNR, no::DEVELOPMENT, no::REMEASUREMENT, no::LOSS_RECOVERIES];
    let rows = projection::balances_of_accounts(tx.conn, &accounts)?;
    let of_incident = rows.iter().filter(|row| row.incident() == Some(incident)).map(|row| row.value.value());
    Value::checked_sum(of_incident).ok_or_else(|| StoreError::Damaged("the loss of an incident does not fit".to_owned()))
}

/// An entry as answers show it: number, event, day, and its lines with exact amounts as texts.
pub fn describe(refs: &Refs, no: EntryNo, entry: &Balanced) -> Json {
    let line = |line: &crate::domain::entry::Posting| {
        json!({
            "account": line.account.0,
            "asset": refs.code(line.asset),
            "quantity": format_minor_trimmed(line.quantity.minor(), refs.scale(line.asset)),
            "value": format_minor_trimmed(line.value.minor(), VALUE_SCALE),
        })
    };
    let draft = entry.draft();
    json!({
        "entry": no.0,
        "event": draft.event.code(),
        "effective_on": draft.effective_on,
        "lines": entry.lines().iter().map(line).collect::<Vec<_>>(),
    })
}
