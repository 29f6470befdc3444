//! E02: accrued contributions arrive in wallets of the fund.

use super::context::{Carrying, Context, Header, Receipt};
use super::entry::{EntryBuilder, require_some, sub};
use crate::domain::account::no;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;
use std::collections::BTreeMap;

/// Units that settle contributions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What arrived, and where. One asset may arrive in several wallets.
    pub receipts: Vec<Receipt>,
    /// What stands on 1210 per asset; units beyond it cannot settle (book them as an unidentified receipt).
    pub receivable: BTreeMap<AssetId, Carrying>,
}

/// Dr 1110 in new lots at fair value of the receipt, Cr 1210 pro rata of its carrying amount, difference to 4320.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits` when more arrived than is receivable.
pub fn post(ctx: &mut Context<'_>, header: Header, input: &Settlement) -> Result<Balanced, Rejection> {
    require_some(&input.receipts, "/receipts")?;
    let mut entry = EntryBuilder::new(ctx, Event::Settlement, header);
    let mut receivable = input.receivable.clone();
    for (at, &Receipt { place, asset, quantity }) in input.receipts.iter().enumerate() {
        let pointer = format!("/receipts/{at}/quantity");
        let value = entry.fair_value(asset, quantity, &pointer)?;
        let carrying = receivable.entry(asset).or_default();
        let cleared = entry.release(carrying, no::CONTRIBUTIONS_RECEIVABLE, asset, quantity, &pointer)?;
        entry.receive(place, asset, quantity, value)?;
        entry.credit(no::CONTRIBUTIONS_RECEIVABLE, asset, quantity, cleared);
        entry.credit_value(no::SETTLEMENT_DIFFERENCE, asset, sub(value, cleared)?);
    }
    entry.seal()
}
