//! E12a and E12b: claims are paid at a fixed price in a stable asset.

use super::context::{Carrying, Context, Header, Place};
use super::entry::{EntryBuilder, sub, too_large};
use super::payout::require_free;
use super::rebalance::convert_units;
use crate::domain::account::no;
use crate::domain::amount::{Quantity, Rounding, VALUE_SCALE, mul_div, pow10};
use crate::domain::asset::AssetId;
use crate::domain::entry::Balanced;
use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::outcome::Rejection;
use crate::domain::price::Price;

/// Approved claims that will be paid at a fixed price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Election {
    /// The incident.
    pub incident: IncidentId,
    /// The asset that was lost.
    pub asset: AssetId,
    /// Units elected, above zero.
    pub quantity: Quantity,
    /// What stands on 2130 for the incident and asset.
    pub payable: Carrying,
    /// Functional currency per unit.
    pub fixed_price: Price,
    /// The stable asset that will be paid, one unit for one of functional currency.
    pub stable: AssetId,
}

/// Payment of fixed-price claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedPayout {
    /// The incident.
    pub incident: IncidentId,
    /// The wallet that pays.
    pub from: Place,
    /// The stable asset.
    pub stable: AssetId,
    /// Units paid, above zero.
    pub quantity: Quantity,
    /// What stands on 2131 for the incident and stable asset.
    pub payable: Carrying,
}

/// How many units of `stable` an election comes to: quantity × fixed price at par, rounded half-even to its smallest unit.
///
/// # Errors
/// `UnknownAsset`, `InvalidField`.
pub fn stable_units(ctx: &Context<'_>, input: &Election) -> Result<Quantity, Rejection> {
    let value = ctx.assets.fair_value(input.asset, input.quantity, input.fixed_price)?;
    let scale = u32::from(ctx.assets.get(input.stable)?.scale);
    let (one_unit, one_value) = (pow10(scale), pow10(u32::from(VALUE_SCALE)));
    let units = one_unit.zip(one_value).and_then(|(unit, whole)| mul_div(value.minor(), unit, whole, Rounding::HalfEven));
    units.map(Quantity).ok_or_else(too_large)
}

/// E12a: Dr 2130 pro rata of its carrying amount, Cr 2131 at quantity × fixed price in units of the stable asset, difference to
/// 5140; units through 3900.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `InsufficientUnits`.
pub fn post_election(ctx: &mut Context<'_>, header: Header, input: &Election) -> Result<Balanced, Rejection> {
    if input.asset == input.stable {
        let code = ctx.assets.code(input.stable);
        return Err(Rejection::invalid("/stable", code, "is the asset that is owed; pay it in kind"));
    }
    let mut entry = EntryBuilder::new(ctx, Event::FixedPriceElected, header).for_incident(Some(input.incident));
    let mut payable = input.payable;
    let released = entry.release(&mut payable, no::CLAIMS_PAYABLE, input.asset, input.quantity, "/quantity")?;
    let units = stable_units(entry.ctx, input)?;
    let owed = entry.ctx.assets.fair_value(input.asset, input.quantity, input.fixed_price)?;
    entry.require_positive(input.stable, units, "/fixed_price")?;
    entry.debit(no::CLAIMS_PAYABLE, input.asset, input.quantity, released);
    entry.credit(no::CLAIMS_PAYABLE_FIXED, input.stable, units, owed);
    entry.credit_value(no::ELECTION_DIFFERENCE, input.asset, sub(released, owed)?);
    // The units owed change asset: BTC stop being owed (a debit that clearing takes up), the stable asset starts.
    convert_units(&mut entry, (input.stable, units), (input.asset, input.quantity));
    entry.seal()
}

/// E12b: Dr 2131 pro rata of its carrying amount, Cr the wallet at lot cost, 4300 and the reversal leg. What the stable asset is
/// off par on the day goes to 5130, as for any obligation owed in units.
///
/// # Errors
/// `InvalidField`, `UnknownAsset`, `PriceMissing`, `InsufficientUnits`.
pub fn post_payout(ctx: &mut Context<'_>, header: Header, input: &FixedPayout) -> Result<Balanced, Rejection> {
    require_free(input.from)?;
    let mut entry = EntryBuilder::new(ctx, Event::PaidFixedPrice, header).for_incident(Some(input.incident));
    let mut payable = input.payable;
    let released = entry.release(&mut payable, no::CLAIMS_PAYABLE_FIXED, input.stable, input.quantity, "/quantity")?;
    let fair = entry.fair_value(input.stable, input.quantity, "/quantity")?;
    entry.debit(no::CLAIMS_PAYABLE_FIXED, input.stable, input.quantity, released);
    entry.debit_value(no::REMEASUREMENT, input.stable, sub(fair, released)?);
    entry.dispose(input.from, input.stable, input.quantity, fair, "/quantity")?;
    entry.seal()
}
