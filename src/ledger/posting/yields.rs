//! E03a and E03b: yield is earned, and later received.

use super::context::{Carrying, Context, Header, Receipt};
use super::entry::{EntryBuilder, sub};
use crate::domain::account::no;
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::outcome::Rejection;

/// Yield earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YieldAccrued {
    /// The asset it is paid in.
    pub asset: AssetId,
    /// Units, above zero.
    pub quantity: Quantity,
}

/// Yield received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YieldReceived {
    /// What arrived, and where.
    pub receipt: Receipt,
    /// What stands on 1230 for the asset.
    pub receivable: Carrying,
}

/// Dr 1230, Cr 4200 at fair value.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`.
pub fn post_accrued(ctx: &mut Context<'_>, header: Header, input: &YieldAccrued) -> Result<Balanced, Rejection> {
    let mut entry = EntryBuilder::new(ctx, Event::YieldAccrued, header);
    let value = entry.fair_value(input.asset, input.quantity, "/quantity")?;
    entry.debit(no::YIELD_RECEIVABLE, input.asset, input.quantity, value);
    entry.credit(no::YIELD, input.asset, input.quantity, value);
    entry.seal()
}

/// Dr 1110 in a new lot at fair value, Cr 1230 pro rata; what the price moved since the accrual is yield (4200).
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits` when more arrived than was accrued.
pub fn post_received(ctx: &mut Context<'_>, header: Header, input: &YieldReceived) -> Result<Balanced, Rejection> {
    let Receipt { place, asset, quantity } = input.receipt;
    let mut entry = EntryBuilder::new(ctx, Event::YieldReceived, header);
    let value = entry.fair_value(asset, quantity, "/receipt/quantity")?;
    let mut receivable = input.receivable;
    let cleared = entry.release(&mut receivable, no::YIELD_RECEIVABLE, asset, quantity, "/receipt/quantity")?;
    entry.receive(place, asset, quantity, value)?;
    entry.credit(no::YIELD_RECEIVABLE, asset, quantity, cleared);
    entry.credit_value(no::YIELD, asset, sub(value, cleared)?);
    entry.seal()
}
