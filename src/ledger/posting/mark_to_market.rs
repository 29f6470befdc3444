//! E04: units held are marked to the day's price.

use super::context::{Context, Header};
use super::entry::{EntryBuilder, add, sub, too_large};
use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::lot::Lot;
use crate::domain::outcome::Rejection;
use std::collections::BTreeMap;

/// What the fund holds of one asset, over all wallets and holding accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holding {
    /// Units of all open lots.
    pub quantity: Quantity,
    /// Their cost.
    pub cost: Value,
    /// The signed balance of 1190 for the asset.
    pub adjustment: Value,
}

/// Adds lots up per asset; `adjustments` are the signed balances of 1190. Assets with an adjustment and no units left are kept,
/// so that the adjustment is cleared.
///
/// # Errors
/// `InvalidField` when a sum does not fit.
pub fn holdings<'l>(
    lots: impl IntoIterator<Item = &'l Lot>,
    adjustments: &BTreeMap<AssetId, Value>,
) -> Result<BTreeMap<AssetId, Holding>, Rejection> {
    let mut held: BTreeMap<AssetId, Holding> = BTreeMap::new();
    for lot in lots {
        let holding = held.entry(lot.asset).or_default();
        holding.quantity = holding.quantity.checked_add(lot.quantity).ok_or_else(too_large)?;
        holding.cost = add(holding.cost, lot.cost)?;
    }
    for (&asset, &adjustment) in adjustments {
        if !adjustment.is_zero() || held.contains_key(&asset) {
            held.entry(asset).or_default().adjustment = adjustment;
        }
    }
    Ok(held)
}

/// Per asset, 1190 against 4310 so that cost + 1190 = quantity × price; every open lot of these assets is marked to the price.
/// One entry for all assets, `None` when nothing changes.
///
/// # Errors
/// `UnknownAsset`; `PriceMissing` for an asset that is held: leave it out of `held` only on purpose.
pub fn post(ctx: &mut Context<'_>, header: Header, held: &BTreeMap<AssetId, Holding>) -> Result<Option<Balanced>, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::MarkToMarket, header);
    for (&asset, holding) in held {
        let mut fair = Value::ZERO;
        if !holding.quantity.is_zero() {
            let price = entry.ctx.assets.price(entry.ctx.prices, asset)?;
            fair = entry.ctx.fair_value(asset, holding.quantity)?;
            entry.draft.marks.insert(asset, price);
        }
        let change = sub(sub(fair, holding.cost)?, holding.adjustment)?;
        entry.debit_value(no::FAIR_VALUE_ADJUSTMENT, asset, change);
        entry.credit_value(no::UNREALISED, asset, change);
    }
    if entry.draft.is_empty() { Ok(None) } else { entry.seal().map(Some) }
}
